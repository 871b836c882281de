#!/usr/bin/env bash
# Turns a fresh Ubuntu 22.04 machine into a sandbox, as root: setup.sh base, reboot, setup.sh software,
# reboot. pins.toml holds every version; a variable of the same name overrides it (--set NAME=VERSION
# of the builder). A finished step is skipped, and repeating a step changes nothing.

# shellcheck source=ami/setup/image.sh
. "${FOLDER:?}/image.sh"

# The fingerprint of the key belongs to the address. A base image that has the repository keeps its
# own line, since apt refuses two lines with different keys.
repository() {
    local name=$1 address=$2 key_url=$3 fingerprint=$4 line=$5
    if grep -rqsF "$address" /etc/apt/sources.list /etc/apt/sources.list.d; then
        [[ -e /etc/apt/sources.list.d/$name.list ]] || return 0
    fi
    add_repository "$name" "$key_url" "$fingerprint" "$line"
}

upgrade() {
    apt_get update
    apt_get full-upgrade
    apt_get install ca-certificates cmake curl g++ git gnupg build-essential mdadm pciutils \
        python3-venv xz-utils
}

# Before any long download, check that the next kernel has a driver.
driver() {
    local packages=() kernel cure
    if [[ $BASE == dlami ]]; then
        cure="an upgrade replaced the one for which AWS made its driver; build again on AWS's next\
 image, or with --base ubuntu"
    else
        ask_for_driver
        mapfile -t packages < <(driver_packages)
        apt_get install "${packages[@]}"
        cure="Ubuntu publishes the modules of branch $NVIDIA_BRANCH a day or two after a kernel;\
 build again then"
    fi
    kernel=$(next_kernel)
    modinfo -k "$kernel" nvidia >/dev/null 2>&1 ||
        die "kernel $kernel, which boots next, has no nvidia module: $cure"
}

# Ubuntu's own unit runs on demand and without persistence mode, and AWS's image may have none.
persistence() {
    local user=
    if getent passwd nvidia-persistenced >/dev/null; then user="--user nvidia-persistenced "; fi
    cat >/etc/systemd/system/nvidia-persistenced.service <<UNIT
[Unit]
Description=Keep the NVIDIA driver loaded while no program uses a GPU
[Service]
Type=forking
PIDFile=/run/nvidia-persistenced/nvidia-persistenced.pid
ExecStart=/usr/bin/nvidia-persistenced $user--persistence-mode --verbose
ExecStopPost=/bin/rm -rf /run/nvidia-persistenced
Restart=on-failure
[Install]
WantedBy=multi-user.target
UNIT
    systemctl daemon-reload
    systemctl enable nvidia-persistenced.service
}

# GPUs behind NVSwitch (p4d, p4de, p5 ...) need Fabric Manager: without it only nvidia-smi works.
# Fabric Manager works with a driver of its own version only.
fabric_manager() {
    local wanted version part packages=()
    if [[ $BASE == dlami || -z $(lspci -n -d 10de: | awk '$2 == "0680:"') ]]; then
        echo "no NVSwitch here, or AWS's own Fabric Manager"
        return
    fi
    wanted=$(modinfo -k "$(next_kernel)" --field version nvidia)
    for part in nvidia-fabricmanager libnvidia-nscq; do
        version=$(apt-cache madison "$part-$NVIDIA_BRANCH" |
            awk -v wanted="$wanted-" 'index($3, wanted) == 1 { print $3; exit }')
        [[ -n $version ]] || die "$part-$NVIDIA_BRANCH: the archive has no $wanted, the version of the\
 driver; build on a type without NVSwitch (g5, g6, g6e), or again in a few days"
        packages+=("$part-$NVIDIA_BRANCH=$version")
    done
    apt_get install "${packages[@]}"
    systemctl enable nvidia-fabricmanager.service
}

cuda() {
    [[ ! -x $CUDA_FOLDER/bin/nvcc ]] || return 0
    # Only packages that no other repository has: NVIDIA's also has drivers in other versions.
    cat >/etc/apt/preferences.d/nvidia-cuda <<'PREFERENCES'
Package: *
Pin: origin developer.download.nvidia.com
Pin-Priority: 100
PREFERENCES
    repository nvidia-cuda "$CUDA_REPOSITORY" "$CUDA_REPOSITORY/3bf863cc.pub" "$CUDA_KEY" \
        "$CUDA_REPOSITORY/ /"
    apt_get install "cuda-toolkit-${CUDA_RELEASE//./-}=$CUDA_VERSION"
}

docker_engine() {
    if ! has docker-ce "$DOCKER_VERSION"; then
        repository docker "$DOCKER_REPOSITORY" "$DOCKER_REPOSITORY/gpg" "$DOCKER_KEY" \
            "$DOCKER_REPOSITORY jammy stable"
        apt_get install --allow-downgrades "docker-ce=$DOCKER_VERSION" \
            "docker-ce-cli=$DOCKER_VERSION" containerd.io docker-buildx-plugin docker-compose-plugin
    fi
    usermod --append --groups docker "$LOGIN"
}

container_toolkit() {
    local part packages=()
    if ! has nvidia-container-toolkit "$NVIDIA_TOOLKIT_VERSION"; then
        for part in nvidia-container-toolkit nvidia-container-toolkit-base \
            libnvidia-container-tools libnvidia-container1; do
            packages+=("$part=$NVIDIA_TOOLKIT_VERSION")
        done
        # shellcheck disable=SC2016 # $(ARCH) is apt's own
        repository nvidia-container-toolkit "$NVIDIA_TOOLKIT_REPOSITORY" \
            "$NVIDIA_TOOLKIT_REPOSITORY/gpgkey" "$NVIDIA_TOOLKIT_KEY" \
            "$NVIDIA_TOOLKIT_REPOSITORY/stable/deb/"'$(ARCH) /'
        apt_get install --allow-downgrades "${packages[@]}"
    fi
    nvidia-ctk runtime configure --runtime=docker
    systemctl restart docker
}

# The environment of every session of the login: sshd, sudo and su read this file.
environment() {
    local ours='^(PATH|CUDA_HOME|USE_BAZEL_VERSION|BAZELISK_HOME)=' others
    others=$(grep -vE "$ours" "$ENVIRONMENT" 2>/dev/null || true)
    cat >"$ENVIRONMENT" <<END
${others:+$others
}PATH="$CUDA_FOLDER/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
CUDA_HOME="$CUDA_FOLDER"
USE_BAZEL_VERSION="$BAZEL_VERSION"
BAZELISK_HOME="/opt/bazelisk"
END
}

install_uv() {
    python3 -m venv --clear /opt/uv
    printf 'uv==%s --hash=sha256:%s\n' "$UV_VERSION" "$UV_SHA256" >/opt/uv/requirements.txt
    /opt/uv/bin/python -m pip install --quiet --no-deps --only-binary=:all: --require-hashes \
        --requirement /opt/uv/requirements.txt
    ln -sf /opt/uv/bin/uv /opt/uv/bin/uvx /usr/local/bin/
}

# Every login can read it here; uv finds /usr/local/bin/python3.12.
python() {
    export UV_PYTHON_INSTALL_DIR=/opt/python
    uv python install --quiet --no-bin "$PYTHON_VERSION"
    ln -sfn "$(uv python find --managed-python "$PYTHON_VERSION")" \
        "/usr/local/bin/python$(cut -d. -f1,2 <<<"$PYTHON_VERSION")"
}

python_path() {
    echo "/usr/local/bin/python$(cut -d. -f1,2 <<<"$PYTHON_VERSION")"
}

bazel() {
    fetch BAZELISK "$FOLDER/bazelisk"
    install -m 0755 "$FOLDER/bazelisk" /usr/local/bin/bazel
    # In the login's home, since its other projects may need other versions, but not in ~/.cache,
    # which no image keeps.
    install -d -o "$LOGIN" -g "$(id -gn "$LOGIN")" /opt/bazelisk
    as_login env BAZELISK_VERIFY_SHA256="$BAZEL_SHA256" bazel --version
}

# In nimby's own folders, so that metta's builds, which ask nimby for this Nim, download nothing. nimby
# is built like its own release.
nim() {
    local home=$HOME_OF_LOGIN/.nimby
    local folder=$home/nim-$NIM_VERSION
    fetch NIM "$FOLDER/nim.tar.xz"
    rm -rf "$folder"
    install -d -o "$LOGIN" -g "$(id -gn "$LOGIN")" "$home" "$folder"
    tar --extract --file "$FOLDER/nim.tar.xz" --strip-components 1 --no-same-owner --directory "$folder"
    chown -R "$LOGIN:" "$folder"
    clone "$NIMBY_REPOSITORY" "$NIMBY_COMMIT" "$home/source"
    as_login "$folder/bin/nim" compile --define:release --hints:off --out:"$home/nimby" \
        "$home/source/src/nimby.nim"
    install -m 0755 "$home/nimby" /usr/local/bin/nimby
    as_login nimby use "$NIM_VERSION"
    ln -sfn "$home/nim/bin/nim" /usr/local/bin/nim
}

# Like its install.sh and Dockerfile: the tools first, then everything in its lock file, with its own
# Python and its default groups. With less, the first `uv run` would sync again.
metta() {
    local folder=$HOME_OF_LOGIN/metta
    clone "$METTA_REPOSITORY" "$METTA_COMMIT" "$folder"
    # Build the GPU kernels for every type that the image may run on. Without this setting, metta
    # skips them silently, because no driver runs now.
    as_login env PUFFERLIB_BUILD_CUDA=1 TORCH_CUDA_ARCH_LIST="$CUDA_ARCHITECTURES" \
        uv sync --directory "$folder" --quiet --locked
}
CUDA_ARCHITECTURES="7.5;8.0;8.6;8.9;9.0;10.0;12.0" # T4, A100, A10G, L4 and L40S, H100, B200, RTX PRO

# Its setup.py downloads missing files without checking a hash. So they are all put there first;
# folders that only a build for browsers needs stay empty.
puffer() {
    local folder=$HOME_OF_LOGIN/pufferlib
    clone "$PUFFER_REPOSITORY" "$PUFFER_COMMIT" "$folder"
    fetch RAYLIB "$FOLDER/raylib.tar.gz"
    fetch RLIGHTS "$FOLDER/rlights.h"
    as_login mkdir -p "$folder/raylib-5.5_webassembly" "$folder/box2d-web"
    tar --extract --file "$FOLDER/raylib.tar.gz" --no-same-owner --directory "$folder"
    install -m 0644 "$FOLDER/rlights.h" "$folder/raylib-${RAYLIB_VERSION}_linux_amd64/include/"
    chown -R "$LOGIN:" "$folder/raylib-${RAYLIB_VERSION}_linux_amd64"
    box2d "$folder/box2d-linux-amd64"
    printf '%s\n' 'raylib-*/' 'box2d-*/' '*.so' | as_login tee "$folder/.git/info/exclude" >/dev/null
    echo "torch==$TORCH_VERSION" >"$FOLDER/constraints.txt"
    as_login uv venv --quiet --clear --python "$(python_path)" "$folder/.venv"
    as_login env VIRTUAL_ENV="$folder/.venv" TORCH_CUDA_ARCH_LIST="$CUDA_ARCHITECTURES" \
        uv pip install --quiet --exclude-newer "$PUFFER_PACKAGES_UNTIL" \
        --constraints "$FOLDER/constraints.txt" --build-constraints "$FOLDER/constraints.txt" \
        --editable "$folder"
}

# box2d FOLDER: build it with the options of the release that PufferLib would download.
box2d() {
    local folder=$1 source=$HOME_OF_LOGIN/.cache/box2d
    as_login mkdir -p "$folder/src" "$HOME_OF_LOGIN/.cache"
    clone "$BOX2D_REPOSITORY" "$BOX2D_COMMIT" "$source"
    as_login cmake -S "$source" -B "$source/build" -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBOX2D_AVX2=ON -DBOX2D_DISABLE_SIMD=OFF \
        -DBUILD_SHARED_LIBS=OFF -DBOX2D_SAMPLES=OFF -DBOX2D_VALIDATE=OFF -DBOX2D_UNIT_TESTS=OFF \
        -DCMAKE_C_FLAGS=-DB2_MAX_WORLDS=65534 >/dev/null
    as_login cmake --build "$source/build" --parallel >/dev/null
    as_login cp -R "$source/include" "$source/build/src/libbox2d.a" "$folder/"
    as_login cp "$source"/src/*.h "$folder/src/"
}

cogames() {
    UV_TOOL_DIR=/opt/tools UV_TOOL_BIN_DIR=/usr/local/bin \
        uv tool install --quiet --force --python "$(python_path)" \
        --exclude-newer "$COGAMES_PACKAGES_UNTIL" --with "torch==$TORCH_VERSION" \
        "cogames[neural]==$COGAMES_VERSION"
}

instance_store() {
    install -m 0755 "$FOLDER/instance-store.sh" /usr/local/sbin/sandbox-instance-store
    install -m 0644 "$FOLDER/sandbox-instance-store.service" /etc/systemd/system/
    # the owner of the scratch folder
    printf 'LOGIN=%s\n' "$LOGIN" >/etc/default/sandbox-instance-store
    systemctl daemon-reload
    systemctl enable sandbox-instance-store.service
}

welcome() {
    install -m 0644 "$FOLDER/motd" /etc/motd
    install -m 0644 -o "$LOGIN" -g "$(id -gn "$LOGIN")" "$FOLDER/sandbox-readme.md" \
        "$HOME_OF_LOGIN/README.md"
}

# Keep the versions that were verified together: a separate upgrade would break the driver
# ("Driver/library version mismatch"). All other packages get security updates.
hold() {
    local held=()
    # shellcheck disable=SC2016 # ${...} is dpkg-query's own
    mapfile -t held < <(dpkg-query --show --showformat='${db:Status-Abbrev} ${Package}\n' \
        'linux-image-*' 'linux-headers-*' 'linux-modules-*' linux-aws 'nvidia-*' 'libnvidia-*' \
        'docker-*' containerd.io 2>/dev/null | awk '$1 ~ /^.i/ { print $2 }' | sort -u)
    ((${#held[@]})) || die "no driver, kernel or Docker package is installed to hold"
    apt-mark hold "${held[@]}" >/dev/null
}

case ${1:?base or software} in
base)
    step upgrade "" upgrade
    ;;
software)
    step driver "$NVIDIA_BRANCH" driver
    step fabric-manager "$NVIDIA_BRANCH" fabric_manager
    step persistence "" persistence
    step cuda "$CUDA_VERSION" cuda
    step docker "$DOCKER_VERSION" docker_engine
    step container-toolkit "$NVIDIA_TOOLKIT_VERSION" container_toolkit
    step environment "CUDA $CUDA_RELEASE, Bazel $BAZEL_VERSION" environment
    step uv "$UV_VERSION" install_uv
    step python "$PYTHON_VERSION" python
    step bazel "$BAZEL_VERSION, bazelisk $BAZELISK_VERSION" bazel
    step nim "$NIM_VERSION, nimby $NIMBY_COMMIT" nim
    step metta "$METTA_COMMIT" metta
    step puffer "$PUFFER_COMMIT, torch $TORCH_VERSION" puffer
    step cogames "$COGAMES_VERSION, torch $TORCH_VERSION" cogames
    step instance-store "" instance_store
    step welcome "" welcome
    step hold "" hold
    ;;
*)
    die "setup.sh $1: the stages are base and software"
    ;;
esac
