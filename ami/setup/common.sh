# shellcheck shell=bash
# Shared by the scripts of an image build, which run as root, one at a time.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a LC_ALL=C.UTF-8
umask 022

STATE=${FOLDER:?}/done # one file a finished step, named after it and its versions
LOGIN=${LOGIN:-ubuntu}
DEADLINE=${DEADLINE:-ami-build-deadline} # the dead man's switch; a machine set up by hand has none
PATIENCE=600 # seconds to wait while another process uses apt

# RECORD holds the script's output and RECORD.why the message of `die`. Both are in memory, because
# seal.sh deletes $FOLDER while it runs.
RECORD=${RECORD:-}

# explain STATUS: print a last line for the builder: the failed step and its error.
explain() {
    local output name error
    if [[ -s $RECORD.why ]]; then
        cat "$RECORD.why"
        return
    fi
    # the lines after the last "==> NAME (VERSIONS)"
    output=$(tac "$RECORD" | sed '/^==> /q' | tac)
    name=$(sed -nE '1s/^==> ([^(]*[^( ]).*/\1/p' <<<"$output")
    error=$(grep -m 1 -E "$ERROR_LINE" <<<"$output" || sed '/^==> /d; /^[[:space:]]*$/d' <<<"$output" |
        tail -n 1)
    echo "${name:-before the first step}: $(sed -E 's/^[[:space:]]+//' <<<"${error:-exit $1}")"
}

# A tool prints the reason first, then hints and summaries. Lines like "Failed to build X" name no
# reason, so they are skipped.
ERROR_LINE='^(E|fatal): .|^dpkg: error|: (fatal )?error: |^curl: \([0-9]+\)'
ERROR_LINE+='|^[[:space:]]*([[:alnum:]_.]+(Error|Exception)|error|ERROR|FATAL): .'
ERROR_LINE+='|: (command not found|Permission denied|No such file or directory|No space left on device)$'

# The script starts itself again as a child, and records the child's output. `tee -p` continues when
# the builder's connection breaks: otherwise the next line of output would kill a running apt.
if [[ -z $RECORD && -f $0 ]]; then
    RECORD=$(mktemp /dev/shm/ami-build-output.XXXXXX)
    export RECORD
    trap 'rm -f "$RECORD" "$RECORD.why"' EXIT
    set +e
    bash "$0" "$@" 2>&1 | tee -p "$RECORD"
    status=${PIPESTATUS[0]}
    set -e
    [[ $status == 0 ]] || explain "$status"
    exit "$status"
fi

# step NAME VERSIONS FUNCTION: run FUNCTION, unless it has succeeded with these versions.
step() {
    local name=$1 versions=$2 action=$3
    local stamp
    stamp=$STATE/$name-$(sha256sum <<<"$versions" | cut -c1-12)
    if [[ -e $stamp ]]; then
        echo "==> $name: done before"
        return
    fi
    echo "==> $name${versions:+ ($versions)}"
    STEP=$name
    "$action"
    STEP=
    mkdir -p "$STATE"
    touch "$stamp"
}

# die MESSAGE: end the script; its last line is this message, with the name of the step.
die() {
    local message="${STEP:+$STEP: }$*"
    if [[ -n $RECORD ]]; then echo "$message" >"$RECORD.why"; else echo "$message" >&2; fi
    exit 1
}

# Every apt-get waits for locks, keeps edited settings, and installs no recommended packages.
# DPkg::Lock::Timeout covers dpkg's lock only, so this function waits for the locks of the package
# lists and of the downloads.
apt_get() {
    local end=$((SECONDS + PATIENCE)) errors status
    errors=$(mktemp)
    while true; do
        status=0
        apt-get -o DPkg::Lock::Timeout=$PATIENCE -o Acquire::Retries=5 \
            -o Dpkg::Options::=--force-confold -o APT::Install-Recommends=false \
            --yes --quiet "$@" 2>"$errors" || status=$?
        if ((status == 0 || SECONDS >= end)) || ! grep -q 'Could not get lock' "$errors"; then
            break
        fi
        echo "waiting: $(sed -n 's/^E: \(Could not get lock\)/\1/p' "$errors" | head -n 1)"
        sleep 2
    done
    cat "$errors" >&2
    rm -f "$errors"
    return "$status"
}

# add_repository NAME KEY_URL FINGERPRINT LINE: add a signed apt repository. Its key is trusted by
# fingerprint, not by its address.
add_repository() {
    local name=$1 url=$2 fingerprint=$3 line=$4
    local key=/etc/apt/keyrings/$name.gpg fetched seen
    fetched=$(mktemp)
    curl --fail --silent --show-error --location --proto '=https' --retry 5 --output "$fetched" "$url"
    seen=$(gpg --show-keys --with-colons "$fetched" | awk -F: '$1 == "pub" { primary = 1 }
        $1 == "fpr" && primary { print $10; primary = 0 }')
    if [[ $seen != "$fingerprint" ]]; then
        rm -f "$fetched"
        die "the key at $url is ${seen:-no key}, expected $fingerprint"
    fi
    install -d -m 0755 /etc/apt/keyrings
    gpg --dearmor --yes --output "$key" <"$fetched"
    chmod 0644 "$key"
    rm -f "$fetched"
    echo "deb [arch=amd64 signed-by=$key] $line" >"/etc/apt/sources.list.d/$name.list"
    apt_get update
}

# Units that run apt by themselves: off during the build, on in the image.
# shellcheck disable=SC2034 # ready.sh, seal.sh and prove.sh read it
UNATTENDED=(apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service)

# leftovers: print each path that an image must not hold. seal.sh deletes them, prove.sh reports them.
leftovers() {
    local home homes=(/root /home/* "$(getent passwd "$LOGIN" | cut -d: -f6)") paths=()
    for home in "${homes[@]}"; do
        paths+=("$home"/.ssh/{authorized_keys,known_hosts,id_*} "$home"/.{bash,python}_history
            "$home"/.{lesshst,viminfo,wget-hsts,aws,netrc,git-credentials,cache}
            "$home"/.docker/config.json)
    done
    paths+=(
        /etc/ssh/ssh_host_*
        /etc/systemd/system/{,*/}"$DEADLINE"* /usr/local/sbin/"$DEADLINE" /var/lib/"$DEADLINE"
        /var/lib/apt/lists/* /var/lib/cloud /var/lib/dbus/machine-id /var/lib/systemd/random-seed
        /var/log/journal/* /var/tmp/ami-build
    )
    # a pattern without a match stays unchanged, and find skips it
    { find "${paths[@]}" -maxdepth 0 2>/dev/null || true; } | sort -u
}
