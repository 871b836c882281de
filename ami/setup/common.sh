# shellcheck shell=bash
# What the scripts of an image build share. They run as root, one at a time.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a LC_ALL=C.UTF-8
umask 022

STATE=${FOLDER:?}/done # one file a finished step, named after it and its versions

# step NAME VERSIONS FUNCTION: run it, unless it ended well before with these versions.
step() {
    local name=$1 versions=$2 action=$3
    local stamp
    stamp=$STATE/$name-$(sha256sum <<<"$versions" | cut -c1-12)
    if [[ -e $stamp ]]; then
        echo "==> $name: done before"
        return
    fi
    echo "==> $name${versions:+ ($versions)}"
    "$action"
    mkdir -p "$STATE"
    touch "$stamp"
}

die() {
    echo "$*" >&2
    exit 1
}

# Everything of apt waits for its lock, keeps edited settings, and takes no recommendation.
apt_get() {
    apt-get -o DPkg::Lock::Timeout=600 -o Acquire::Retries=5 -o Dpkg::Options::=--force-confold \
        -o APT::Install-Recommends=false --yes --quiet "$@"
}

# add_repository NAME KEY_URL FINGERPRINT LINE: a signed apt repository; its key is taken by its
# fingerprint, never by the address it came from.
add_repository() {
    local name=$1 url=$2 fingerprint=$3 line=$4
    local key=/etc/apt/keyrings/$name.gpg fetched seen
    fetched=$(mktemp)
    curl --fail --silent --show-error --location --proto '=https' --retry 5 --output "$fetched" "$url"
    seen=$(gpg --show-keys --with-colons "$fetched" | awk -F: '$1 == "pub" { primary = 1 }
        $1 == "fpr" && primary { print $10; primary = 0 }')
    if [[ $seen != "$fingerprint" ]]; then
        rm -f "$fetched"
        die "$name: the key at $url is ${seen:-no key}, expected $fingerprint"
    fi
    install -d -m 0755 /etc/apt/keyrings
    gpg --dearmor --yes --output "$key" <"$fetched"
    chmod 0644 "$key"
    rm -f "$fetched"
    echo "deb [arch=amd64 signed-by=$key] $line" >"/etc/apt/sources.list.d/$name.list"
    apt_get update
}
