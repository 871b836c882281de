# shellcheck shell=bash
# Shared by set-up and verification: the pins, and commands that run as the login.
# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

BASE=${BASE:-ubuntu}
HOME_OF_LOGIN=$(getent passwd "$LOGIN" | cut -d: -f6)
[[ -d $HOME_OF_LOGIN ]] || die "LOGIN=$LOGIN: this machine has no such login with a home; name one that has"
cd / # the login may lack access to the folder that root starts in

# pins: one shell line for each setting of pins.toml; variables that are already set keep their value.
pins() {
    awk -F '"' -v quote="'" '
        /^\[/ {
            name = base = substr($0, 2, length($0) - 2)
            sub(/_(VERSION|COMMIT|BRANCH)$/, "", base)
        }
        /^(value|sha256|sha384|key|url|repository) = / {
            split($0, word, " ")
            setting = word[1] == "value" ? name : base "_" toupper(word[1])
            print "[[ -v " setting " ]] || " setting "=" quote $2 quote
        }' "$FOLDER/pins.toml"
}
[[ $BASE != dlami || -v NVIDIA_BRANCH ]] || NVIDIA_BRANCH= # keep AWS's own driver
eval "$(pins)"

CUDA_RELEASE=$(cut -d. -f1,2 <<<"$CUDA_VERSION")
# The path with the release, because another toolkit may replace /usr/local/cuda.
# shellcheck disable=SC2034 # setup.sh reads it
CUDA_FOLDER=/usr/local/cuda-$CUDA_RELEASE
ENVIRONMENT=${ENVIRONMENT:-/etc/environment}

# as_login COMMAND...: run COMMAND as the login, with the settings of its sessions.
as_login() {
    local settings=()
    mapfile -t settings < <(xargs --no-run-if-empty -n 1 <"$ENVIRONMENT")
    sudo -n -H -u "$LOGIN" -- env "${settings[@]}" "$@"
}

# fetch NAME FILE: download the pin NAME, and keep it only if it has the pinned hash.
fetch() {
    local name=$1 file=$2 version=$1_VERSION url=$1_URL sha256=$1_SHA256 sha384=$1_SHA384
    local tool=sha256sum hash=${!sha256:-} seen
    if [[ -z $hash ]]; then tool=sha384sum hash=${!sha384:?}; fi
    url=${!url//\{value\}/${!version}}
    curl --fail --silent --show-error --location --proto '=https' --retry 5 --output "$file" "$url"
    seen=$($tool <"$file" | cut -d' ' -f1)
    if [[ $seen != "$hash" ]]; then
        rm -f "$file"
        die "$name: the ${tool%sum} of $url is $seen, expected $hash: set the hash together with the version"
    fi
}

# clone REPOSITORY COMMIT FOLDER: check out that commit, with history and tags; git fetches the file
# contents of other commits when they are needed.
clone() {
    local repository=$1 commit=$2 folder=$3
    [[ -d $folder/.git ]] ||
        as_login git clone --quiet --no-checkout --filter=blob:none "$repository" "$folder"
    as_login git -C "$folder" remote set-url origin "$repository"
    as_login git -C "$folder" cat-file -e "$commit^{commit}" 2>/dev/null ||
        as_login git -C "$folder" fetch --quiet --tags origin "$commit"
    as_login git -C "$folder" checkout --quiet --force --detach "$commit"
}

# has PACKAGE VERSION: whether it is installed in this or a newer version, as in AWS's own image.
has() {
    local seen
    seen=$(dpkg-query --show --showformat='${Version}' "$1" 2>/dev/null) || return 1
    [[ -n $seen ]] && dpkg --compare-versions "$seen" ge "$2"
}

# The packages of the driver. Ubuntu compiles and signs the modules for each aws kernel, so nothing is
# built here. They are NVIDIA's open modules, which support GPUs from Turing on: Blackwell works with
# these only, and the plan refuses instance types with older GPUs.
driver_packages() {
    printf '%s\n' "linux-modules-nvidia-$NVIDIA_BRANCH-server-open-aws" \
        "nvidia-headless-no-dkms-$NVIDIA_BRANCH-server-open" \
        "nvidia-utils-$NVIDIA_BRANCH-server" "nvidia-compute-utils-$NVIDIA_BRANCH-server" \
        "libnvidia-encode-$NVIDIA_BRANCH-server"
}

# about PACKAGE: apt's facts about the version that it would install.
about() {
    apt-cache show --no-all-versions "$1" 2>/dev/null || true
}

# real_branches: the branches in the archive, without those that only lead to another branch.
real_branches() {
    local branch
    apt-cache pkgnames linux-modules-nvidia- |
        sed -nE 's/^linux-modules-nvidia-([0-9]+)-server-open-aws$/\1/p' | sort -n |
        while read -r branch; do
            grep -qi '^Description.*transitional' \
                <<<"$(about "linux-modules-nvidia-$branch-server-open-aws")" || echo "$branch"
        done
}

# ask_for_driver: fail before any download, unless apt would install this branch.
ask_for_driver() {
    local package text instead planned packages=()
    mapfile -t packages < <(driver_packages)
    for package in "${packages[@]}"; do
        text=$(about "$package")
        if [[ -z $text ]]; then
            instead=$(real_branches | tail -n 1)
            die "NVIDIA_BRANCH=$NVIDIA_BRANCH: this machine's package archive has no $package;\
 take NVIDIA_BRANCH=${instead:-of an archive that has one, none is here}"
        fi
        if grep -qi '^Description.*transitional' <<<"$text"; then
            instead=$(sed -nE 's/^Depends:[^0-9]*-([0-9]+)-server.*/\1/p' <<<"$text" | head -n 1)
            die "NVIDIA_BRANCH=$NVIDIA_BRANCH: has ended, its packages only lead to another branch;\
 take NVIDIA_BRANCH=${instead:-$(real_branches | tail -n 1)}"
        fi
    done
    if ! planned=$(apt-get install --simulate -o APT::Install-Recommends=false \
        "${packages[@]}" 2>&1); then
        die "NVIDIA_BRANCH=$NVIDIA_BRANCH: apt cannot install it: $(grep -m 1 -E \
            '^E:|Depends:' <<<"$planned" | sed 's/^ *//')"
    fi
    sed -nE 's/^Inst (nvidia-utils-[^ ]+) .*\(([^ ]+).*/apt would install \1 \2/p' <<<"$planned"
}

# next_kernel: the kernel of the next boot.
next_kernel() {
    find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\n' | sed 's/^vmlinuz-//' | sort -V | tail -n 1
}
