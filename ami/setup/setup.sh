#!/usr/bin/env bash
# Makes a sandbox of a fresh Ubuntu 22.04 machine, as root: setup.sh base, reboot, setup.sh software,
# reboot. Every version can be given from outside by its name (--set NAME=VERSION of the builder).
# A finished step is not repeated, and repeating one changes nothing.

NVIDIA_BRANCH=${NVIDIA_BRANCH-535} # Ubuntu's prebuilt, signed modules of NVIDIA's server branch
DOCKER_VERSION=${DOCKER_VERSION:-5:28.5.2-1~ubuntu.22.04~jammy}
NVIDIA_TOOLKIT_VERSION=${NVIDIA_TOOLKIT_VERSION:-1.18.2-1}
PYTHON_VERSION=${PYTHON_VERSION:-3.12}
UV_VERSION=${UV_VERSION:-0.13.9}
UV_SHA256=${UV_SHA256:-d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19} # x86_64 wheel
METTA_REPOSITORY=${METTA_REPOSITORY:-https://github.com/Metta-AI/metta}
METTA_COMMIT=${METTA_COMMIT:-a8d1ecee19252b26b9351de23a628b372b19dfb6}
PUFFER_REPOSITORY=${PUFFER_REPOSITORY:-https://github.com/PufferAI/PufferLib}
PUFFER_COMMIT=${PUFFER_COMMIT:-93cd9995dc06c23ea5fa30e4fff88eb862808f35}
COGAMES_VERSION=${COGAMES_VERSION:-0.27.3} # the last release with the command: 0.28.0 is an empty farewell

BASE=${BASE:-ubuntu}
LOGIN=${LOGIN:-ubuntu}

# Keys of apt repositories, by fingerprint.
DOCKER_KEY=9DC858229FC7DD38854AE2D88D81803C0EBFCD88
NVIDIA_KEY=C95B321B61E88C1809C4F759DDCAE044F796ECB0
DEADSNAKES_KEY=F23C5A6CF475977595C89F51BA6932366A755776

# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

HOME_OF_LOGIN=$(getent passwd "$LOGIN" | cut -d: -f6)
[[ -d $HOME_OF_LOGIN ]] || die "$LOGIN has no home on this machine"

upgrade() {
    apt_get update
    apt_get full-upgrade
    apt_get install ca-certificates curl gnupg git build-essential pciutils
}

driver() {
    # The modules come compiled and signed for each kernel of the aws flavour: nothing is built
    # here, and nothing breaks when a kernel is newer than a source package.
    apt_get install \
        "linux-modules-nvidia-$NVIDIA_BRANCH-server-aws" \
        "nvidia-headless-no-dkms-$NVIDIA_BRANCH-server" \
        "nvidia-utils-$NVIDIA_BRANCH-server" \
        "libnvidia-encode-$NVIDIA_BRANCH-server"
}

docker_engine() {
    add_repository docker https://download.docker.com/linux/ubuntu/gpg "$DOCKER_KEY" \
        "https://download.docker.com/linux/ubuntu jammy stable"
    apt_get install --allow-downgrades "docker-ce=$DOCKER_VERSION" "docker-ce-cli=$DOCKER_VERSION" \
        containerd.io docker-buildx-plugin docker-compose-plugin
    usermod --append --groups docker "$LOGIN"
}

container_toolkit() {
    local part packages=()
    for part in nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools \
        libnvidia-container1; do
        packages+=("$part=$NVIDIA_TOOLKIT_VERSION")
    done
    # shellcheck disable=SC2016 # $(ARCH) is apt's own
    add_repository nvidia-container-toolkit https://nvidia.github.io/libnvidia-container/gpgkey \
        "$NVIDIA_KEY" 'https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH) /'
    apt_get install --allow-downgrades "${packages[@]}"
    nvidia-ctk runtime configure --runtime=docker
    systemctl restart docker
}

python() {
    add_repository deadsnakes \
        "https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x$DEADSNAKES_KEY" "$DEADSNAKES_KEY" \
        "https://ppa.launchpadcontent.net/deadsnakes/ppa/ubuntu jammy main"
    apt_get install "python$PYTHON_VERSION" "python$PYTHON_VERSION-venv" "python$PYTHON_VERSION-dev"
}

install_uv() {
    "python$PYTHON_VERSION" -m venv --clear /opt/uv
    printf 'uv==%s --hash=sha256:%s\n' "$UV_VERSION" "$UV_SHA256" >/opt/uv/requirements.txt
    /opt/uv/bin/python -m pip install --quiet --no-deps --only-binary=:all: --require-hashes \
        --requirement /opt/uv/requirements.txt
    ln -sf /opt/uv/bin/uv /opt/uv/bin/uvx /usr/local/bin/
}

# clone REPOSITORY COMMIT FOLDER: exactly that commit, whatever was there before.
clone() {
    local repository=$1 commit=$2 folder=$3
    [[ -d $folder/.git ]] || as_login git init --quiet "$folder"
    as_login git -C "$folder" remote remove origin 2>/dev/null || true
    as_login git -C "$folder" remote add origin "$repository"
    as_login git -C "$folder" fetch --quiet --depth 1 origin "$commit"
    as_login git -C "$folder" checkout --quiet --force --detach FETCH_HEAD
}

as_login() {
    sudo -n -H -u "$LOGIN" -- "$@"
}

metta() {
    clone "$METTA_REPOSITORY" "$METTA_COMMIT" "$HOME_OF_LOGIN/metta"
    as_login uv sync --quiet --frozen --no-default-groups --project "$HOME_OF_LOGIN/metta" \
        --python "python$PYTHON_VERSION"
}

puffer() {
    clone "$PUFFER_REPOSITORY" "$PUFFER_COMMIT" "$HOME_OF_LOGIN/pufferlib"
    as_login uv venv --quiet --clear --python "python$PYTHON_VERSION" "$HOME_OF_LOGIN/pufferlib/.venv"
    as_login env VIRTUAL_ENV="$HOME_OF_LOGIN/pufferlib/.venv" \
        uv pip install --quiet setuptools wheel numpy Cython torch
    as_login env VIRTUAL_ENV="$HOME_OF_LOGIN/pufferlib/.venv" \
        uv pip install --quiet --no-build-isolation --editable "$HOME_OF_LOGIN/pufferlib"
}

cogames() {
    UV_TOOL_DIR=/opt/tools UV_TOOL_BIN_DIR=/usr/local/bin \
        uv tool install --quiet --force --python "python$PYTHON_VERSION" "cogames==$COGAMES_VERSION"
}

# What was verified together stays together: an upgrade of its own would part the driver from its
# kernel ("Driver/library version mismatch").
hold() {
    local held=()
    # shellcheck disable=SC2016 # ${...} is dpkg-query's own
    mapfile -t held < <(dpkg-query --show --showformat='${db:Status-Abbrev} ${Package}\n' \
        'linux-image-*' 'linux-headers-*' 'linux-modules-*' linux-aws 'nvidia-*' 'libnvidia-*' \
        docker-ce docker-ce-cli containerd.io 2>/dev/null | awk '$1 ~ /^.i/ { print $2 }' | sort -u)
    ((${#held[@]})) || die "no driver, kernel or Docker package is installed to hold"
    apt-mark hold "${held[@]}" >/dev/null
}

case ${1:?base or software} in
base)
    step upgrade "" upgrade
    ;;
software)
    [[ $BASE == dlami ]] || step driver "$NVIDIA_BRANCH" driver
    step docker "$DOCKER_VERSION" docker_engine
    step container-toolkit "$NVIDIA_TOOLKIT_VERSION" container_toolkit
    step python "$PYTHON_VERSION" python
    step uv "$UV_VERSION" install_uv
    step metta "$METTA_COMMIT" metta
    step puffer "$PUFFER_COMMIT" puffer
    step cogames "$COGAMES_VERSION" cogames
    step hold "" hold
    ;;
*)
    die "setup.sh $1: the stages are base and software"
    ;;
esac
