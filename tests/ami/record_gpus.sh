#!/usr/bin/env bash
# Runs the GPU part of the gate on a machine with an NVIDIA GPU, as it is and with faults, and records
# what nvidia-smi and PyTorch answered and what the gate made of it. tests/ami replays the record from
# tests/ami/facts/gpus/. As root, on any such machine whose python3 has PyTorch:
#
#   tests/ami/record_gpus.sh FOLDER [SOURCE...]
#
# It writes FOLDER/record.txt. Each SOURCE is a source archive with PufferLib's kernel, which is built
# with the machine's nvcc. Nothing on the machine is changed: a fault is an empty file over a device
# file, in a mount namespace of its own.
#
# The record has these lines:  # about the machine   == a case   ? what of the gate runs
#                              $ a command of the gate, its output, `exit` and its status
#                              > what the gate says
set -uo pipefail

into=$(realpath -m "${1:?name a folder for the record}")
shift
sources=()
for source; do sources+=("$(realpath "$source")"); done
setup=$(realpath "$(dirname "$0")/../../ami/setup")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$into" "$work/bin"
export ANSWERS=$into/record.txt REAL_PATH=$PATH

# Stand before the real programs, and write down what they answer. What is not here stays missing.
cat >"$work/answers" <<'END'
#!/bin/bash
program=$1
shift
output=$(PATH=$REAL_PATH "$program" "$@" 2>&1)
status=$?
{
    printf '$ %s\n' "$program $*"
    [[ -z $output ]] || printf '%s\n' "$output"
    echo "exit $status"
} >>"$ANSWERS"
[[ -z $output ]] || printf '%s\n' "$output"
exit "$status"
END
for program in nvidia-smi modinfo python3; do
    command -v "$program" >/dev/null || continue
    printf '#!/bin/bash\nexec bash %s %s "$@"\n' "$work/answers" "$program" >"$work/bin/$program"
done
# the login is root here, so nobody has to be changed
cat >"$work/bin/sudo" <<'END'
#!/bin/bash
while [[ $1 == -* ]]; do case $1 in -u) shift 2 ;; --) shift && break ;; *) shift ;; esac; done
exec "$@"
END
chmod +x "$work/bin/"*
printf 'PATH="%s"\n' "$work/bin:$PATH" >"$work/environment"
sed '/^checks=/,$d' "$setup/verify.sh" >"$work/gate" # its functions

# gate NAME FAULT CHECK...: what the gate says while the fault is in force, for it alone
gate() {
    local name=$1 fault=$2
    shift 2
    printf '== %s\n? %s\n' "$name" "$*" >>"$ANSWERS"
    FOLDER=$setup LOGIN=root ENVIRONMENT=$work/environment PATH=$work/bin:$PATH \
        unshare --mount bash -c "$fault; . $work/gate; $*" >"$work/said" 2>&1
    sed 's/^/> /' "$work/said" >>"$ANSWERS"
}

hide() {
    echo "for file in $*; do mount --bind /dev/null \$file || exit; done"
}

gpus=$(find /dev -maxdepth 1 -name 'nvidia[0-9]*' | wc -l)
branch=$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1 | cut -d. -f1)
{
    date -u +%F
    nvidia-smi --query-gpu=name,driver_version,compute_cap,memory.total --format=csv,noheader
    head -n 1 /proc/driver/nvidia/version
    nvcc --version | sed -n 's/^Cuda compilation tools, //p'
} 2>&1 | sed 's/^/# /' >"$ANSWERS"

smi="GPUS=$gpus NVIDIA_BRANCH=$branch gpus"
torch="GPUS=$gpus computes gpu python3"
gate "as it is" true "$smi"
gate "the GPUs' device files are gone" "$(hide '/dev/nvidia[0-9]*')" "$smi"
gate "the driver's control device is gone" "$(hide /dev/nvidiactl)" "$smi"
gate "a GPU is missing" true "GPUS=$((gpus + 1)) NVIDIA_BRANCH=$branch gpus"
gate "PyTorch, as it is" true "$torch"
gate "PyTorch, with a GPU missing" true "GPUS=$((gpus + 1)) computes gpu python3"
gate "PyTorch, without the driver's control device" "$(hide /dev/nvidiactl)" "$torch"
gate "PyTorch, without an environment" true "$torch no_such_module"

# kernel SOURCE ARCHITECTURES FOLDER: built there
kernel() {
    local source=$1 architectures=$2 folder=$3
    mkdir -p "$folder/built/pufferlib"
    tar --extract --file "$source" --directory "$folder" --strip-components 1
    cd "$folder" || return
    export TORCH_CUDA_ARCH_LIST=$architectures PUFFERLIB_BUILD_CUDA=1 NVCC_APPEND_FLAGS="--threads 0"
    if [[ -e build_config.py ]]; then # pufferlib-core: its own build
        python3 setup.py --quiet build_ext --build-lib built
    else # PufferLib 3.0: its kernel alone, since its games need downloads
        python3 -c "
from torch.utils import cpp_extension
sources = ['pufferlib/extensions/pufferlib.cpp', 'pufferlib/extensions/cuda/pufferlib.cu']
cpp_extension.load('_C', sources, build_directory='built/pufferlib', is_python_module=False)"
    fi
    touch built/pufferlib/__init__.py
}

architectures=$(sed -nE 's/^CUDA_ARCHITECTURES="([^"]*)".*/\1/p' "$setup/setup.sh")
number=0
for source in "${sources[@]}"; do
    number=$((number + 1))
    kernel "$source" "$architectures" "$work/$number" >"$into/build-$number.txt" 2>&1 &
    kernel "$source" 12.0 "$work/$number-other" >"$into/build-$number-other.txt" 2>&1 &
done
wait
number=0
for source in "${sources[@]}"; do
    number=$((number + 1))
    name=$(basename "$source" .tar.gz)
    PYTHONPATH=$work/$number/built gate "$name, built for every type" true "$torch pufferlib._C"
    PYTHONPATH=$work/$number-other/built gate "$name, built for other GPUs" true "$torch pufferlib._C"
done
sed -i "s|$work|/tmp/record|g" "$ANSWERS"
