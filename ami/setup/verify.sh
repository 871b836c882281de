#!/usr/bin/env bash
# Checks everything that the image promises, from the view of a researcher. Prints "ok NAME VERSION"
# for each check, continues after a failed one, and exits with 1 if any check failed.
# verify.sh [CHECK...]: run these checks only; their names are those of the functions below.

# shellcheck source=ami/setup/image.sh
. "${FOLDER:?}/image.sh"

failed=()

ok() {
    echo "ok $1 $2"
}

bad() {
    echo "failed $1: $2"
    failed+=("$1: $2")
}

# same NAME WANTED SEEN
same() {
    if [[ $2 == "$3" ]]; then ok "$1" "$3"; else bad "$1" "is ${3:-missing}, expected $2"; fi
}

# reason OUTPUT: the first line of a failed command that names an error, or else its last line
reason() {
    {
        grep -m 1 -E "$ERROR_LINE" <<<"$1" ||
            grep -v '^[[:space:]]*$' <<<"$1" | tail -n 1 || echo "it says nothing"
    } | sed 's/^[[:space:]]*//'
}

# says NAME COMMAND...: check that the command works; its first line is the version
says() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then ok "$name" "$(head -n 1 <<<"$output")"; else
        bad "$name" "$(reason "$output")"
    fi
}

# wanted: the expected number of GPUs; by hand, the number on the bus of the machine.
wanted() {
    echo "${GPUS:-$(lspci -n -d 10de: | awk '$2 == "0300:" || $2 == "0302:"' | wc -l)}"
}

smi() {
    nvidia-smi --query-gpu="$1" --format=csv,noheader
}

gpus() {
    local output driver modes
    if ! output=$(smi name 2>&1); then
        bad nvidia-smi "$(head -n 1 <<<"$output")"
        return
    fi
    same gpus "$(wanted)" "$(grep -c . <<<"$output")"
    ok gpu "$(head -n 1 <<<"$output")"
    driver=$(smi driver_version | sort -u)
    if [[ -n $NVIDIA_BRANCH && $driver != "$NVIDIA_BRANCH".* ]]; then
        bad driver "is $driver, expected branch $NVIDIA_BRANCH"
    else
        ok driver "$driver"
    fi
    same driver-module "$driver" "$(modinfo --field version nvidia 2>/dev/null || true)"
    modes=$(smi persistence_mode | sort -u)
    same persistence-mode Enabled "$modes"
}

kernel() {
    same kernel "$(next_kernel)" "$(uname -r)"
}

compiler() {
    local output
    if output=$(as_login nvcc --version 2>&1); then
        same nvcc "$CUDA_RELEASE" "$(sed -nE 's/.*release ([0-9.]+),.*/\1/p' <<<"$output")"
    else
        bad nvcc "$(reason "$output")"
    fi
}

container() {
    local output
    says docker docker --version
    says container-toolkit nvidia-ctk --version
    if output=$(docker run --rm --gpus all "$GPU_TEST_IMAGE" nvidia-smi --query-gpu=name \
        --format=csv,noheader 2>&1); then
        same gpus-in-container "$(wanted)" "$(grep -c . <<<"$output")"
    else
        bad gpus-in-container "$(reason "$output")"
    fi
    docker image rm --force "$GPU_TEST_IMAGE" >/dev/null 2>&1 || true
}

# at NAME FOLDER COMMIT: check that a clone is at its commit
at() {
    same "$1" "$3" "$(as_login git -C "$2" rev-parse HEAD 2>/dev/null || true)"
}

# computes NAME PYTHON MODULE...: check that the modules load and PyTorch uses every GPU
computes() {
    local name=$1 python=$2
    shift 2
    says "$name-torch" as_login "$python" - "$(wanted)" "$@" <"$FOLDER/gpus.py"
}

# state FOLDER: the identity and the content of this environment
state() {
    stat --format '%i' "$1/.venv" && find "$1/.venv" -maxdepth 5 -name '*.dist-info' -printf '%i %f\n' |
        sort
}

# keeps NAME FOLDER OPTION: check that `uv run` changes nothing, without network and cache
keeps() {
    local name=$1 folder=$2 option=$3 before output cache
    before=$(state "$folder" 2>&1)
    cache=$(as_login mktemp -d)
    if output=$(as_login env UV_CACHE_DIR="$cache" uv run --directory "$folder" "$option" --offline \
        python -c 'pass' 2>&1); then
        if [[ $(state "$folder" 2>&1) == "$before" ]]; then ok "$name-uv-run" kept; else
            bad "$name-uv-run" "changes the environment: $(head -n 1 <<<"$output")"
        fi
    else
        bad "$name-uv-run" "$(reason "$output")"
    fi
    as_login rm -rf "$cache"
}

tools() {
    says python "python$(cut -d. -f1,2 <<<"$PYTHON_VERSION")" --version
    says uv as_login uv --version
    says bazel as_login bazel --version
    says nim as_login nim --version
    says nimby as_login nimby --version
}

metta() {
    local folder=$HOME_OF_LOGIN/metta
    at metta "$folder" "$METTA_COMMIT"
    computes metta "$folder/.venv/bin/python" mettagrid mettagrid.mettagrid_c metta.agent pufferlib._C
    keeps metta "$folder" --frozen
}

puffer() {
    local folder=$HOME_OF_LOGIN/pufferlib
    at puffer "$folder" "$PUFFER_COMMIT"
    computes puffer "$folder/.venv/bin/python" pufferlib.pufferl pufferlib._C \
        pufferlib.ocean.breakout.binding
    # It has no lock file, and uv cannot create one, because its extras conflict.
    keeps puffer "$folder" --no-sync
}

# `cogames version` prints mettagrid's version first. Training needs a game, which PyPI lacks, so this
# only checks that it starts; cogames.train needs the extra `neural`.
cogames() {
    local output
    output=$(as_login cogames version 2>&1 || true)
    same cogames "$COGAMES_VERSION" "$(awk '$1 == "cogames" { print $2 }' <<<"$output")"
    computes cogames /opt/tools/cogames/bin/python cogames.train mettagrid pufferlib._C
    if output=$(as_login cogames tutorial train --help 2>&1); then ok cogames-train starts; else
        bad cogames-train "$(reason "$output")"
    fi
}

# Failed units of the base image are only reported, because the image did not install them.
units() {
    local unit ours=() others=()
    while read -r unit _; do
        case $unit in
        docker.* | containerd.* | nvidia-* | ssh.* | cloud-* | sandbox-* | systemd-networkd* | apt-* | \
            unattended-upgrades.*) ours+=("$unit") ;;
        ?*) others+=("$unit") ;;
        esac
    done < <(systemctl list-units --failed --plain --no-legend)
    if ((${#others[@]})); then echo "not of the image, but failed: ${others[*]}"; fi
    for unit in docker nvidia-persistenced sandbox-instance-store; do
        systemctl is-active --quiet "$unit.service" || ours+=("$unit.service (not running)")
    done
    if ((${#ours[@]})); then bad units "${ours[*]}"; else ok units none-failed; fi
}

disks() {
    local free
    free=$(df --output=avail --block-size=1G / | tail -n 1 | tr -d ' ')
    if ((free >= 10)); then ok free-gib "$free"; else bad free-gib "only $free GiB are free on /"; fi
    if [[ $(lsblk --nodeps --noheadings --output MODEL) == *"NVMe Instance Storage"* ]]; then
        if mountpoint --quiet /mnt/instance-store && mountpoint --quiet /var/lib/docker; then
            ok instance-store mounted
        else
            bad instance-store "this machine has one, and it is not mounted: systemctl status sandbox-instance-store"
        fi
    fi
}

checks=("$@")
((${#checks[@]})) || checks=(gpus kernel container compiler tools metta puffer cogames units disks)
for check in "${checks[@]}"; do
    echo "==> $check"
    "$check"
done
if ((${#failed[@]})); then
    list=$(printf '%s; ' "${failed[@]}")
    die "${#failed[@]} failed: ${list%; }"
fi
