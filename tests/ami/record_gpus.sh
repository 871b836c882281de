#!/usr/bin/env bash
# Runs the GPU part of the gate on a machine with an NVIDIA GPU, and records what it saw: what each
# program answered to the gate, and what the gate said of it. As root, on any such machine:
#
#   tests/ami/record_gpus.sh FOLDER [SOURCE...]
#
# FOLDER gets record.txt, which tests/ami replays, and machine.txt, which only people read. Each SOURCE
# is a source archive with a PufferLib kernel; it is built with the machine's nvcc and PyTorch, and
# computes as in the gate. Nothing on the machine is changed: faults are made in a mount namespace of
# the one process that shall see them.
set -uo pipefail

into=$(realpath -m "${1:?a folder for the records}")
shift
sources=()
for source; do sources+=("$(realpath "$source")"); done
setup=$(realpath "$(dirname "$0")/../../ami/setup")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$into" "$work/bin"
python=$(command -v python3)
path=$PATH
count=$(find /dev -maxdepth 1 -name 'nvidia[0-9]*' | wc -l)

# answers COMMAND...: run it, and write down its command line, output and exit status
cat >"$work/answers" <<'END'
#!/bin/bash
program=$1
shift
real=$(PATH=$REAL_PATH type -P "$program") || real=
output=$(PATH=$REAL_PATH "${real:-$program}" "$@" 2>&1)
status=$?
{
    printf '$ %s\n' "$program $*"
    [[ -z $output ]] || printf '%s\n' "$output"
    echo "exit $status"
} >>"$RECORD"
[[ -z $output ]] || printf '%s\n' "$output"
exit "$status"
END
for program in nvidia-smi modinfo lspci nvcc; do
    printf '#!/bin/bash\nexec bash %s %s "$@"\n' "$work/answers" "$program" >"$work/bin/$program"
done
# the login is root here, so nobody has to be changed
cat >"$work/bin/sudo" <<'END'
#!/bin/bash
while [[ $1 == -* ]]; do case $1 in -u) shift 2 ;; --) shift && break ;; *) shift ;; esac; done
exec "$@"
END
chmod +x "$work/bin/"*
printf 'PATH="%s"\n' "$work/bin:$path" >"$work/environment"

export RECORD=$into/record.txt REAL_PATH=$path

# case_of NAME COMMAND...: the gate's checks, while COMMAND (a fault) is in force for them alone
case_of() {
    local name=$1 fault=$2
    shift 2
    echo "== $name" >>"$RECORD"
    : >"$work/said"
    unshare --mount bash -c "$fault
        export PATH=$work/bin:\$PATH GPUS=$count FOLDER=$setup LOGIN=root ENVIRONMENT=$work/environment BASE=ubuntu
        bash $setup/verify.sh gpus compiler" >"$work/said" 2>&1
    echo "exit $?" >>"$work/said"
    sed 's/^/> /' "$work/said" >>"$RECORD"
}

: >"$RECORD"
case_of "as it is" true
case_of "the GPUs' device files are gone" 'for f in /dev/nvidia[0-9]*; do mount --bind /dev/null $f || exit 99; done'
case_of "the driver's control device is gone" 'mount --bind /dev/null /dev/nvidiactl || exit 99'

# What only people read, and PyTorch's part of the gate.
show() {
    printf '$ %s\n' "$*"
    timeout 400 "$@" 2>&1
    echo "exit $?"
}
{
    date -u
    show nvidia-smi
    show nvidia-smi -L
    show nvidia-smi --query-gpu=name,driver_version,persistence_mode,compute_cap,memory.total,pci.bus_id --format=csv
    show cat /proc/driver/nvidia/version
    show uname -a
    show lspci -n -d 10de:
    show ls -l /dev/nvidia0 /dev/nvidiactl /dev/nvidia-uvm
    show modinfo --field version nvidia
    show nvcc --version
    show "$python" -c 'import torch; print(torch.__version__, torch.version.cuda, torch.cuda.device_count(), torch.cuda.get_arch_list())'
    show "$python" "$setup/gpus.py" "$count"
    show "$python" "$setup/gpus.py" "$((count + 1))"
    show env CUDA_VISIBLE_DEVICES= "$python" "$setup/gpus.py" "$count"
    show unshare --mount bash -c "mount --bind /dev/null /dev/nvidiactl && $python $setup/gpus.py $count"
    show "$python" "$setup/gpus.py" "$count" no_such_module
} >"$into/machine.txt" 2>&1

# architectures: those of setup.sh; and one that no GPU here has, a fault that the gate must see
architectures=$(sed -nE 's/^CUDA_ARCHITECTURES="([^"]*)".*/\1/p' "$setup/setup.sh")

# kernel SOURCE ARCHITECTURES FOLDER: build it there, and let the gate's Python compute with it
kernel() {
    local source=$1 list=$2 folder=$3
    mkdir -p "$folder/built/pufferlib"
    tar --extract --file "$source" --directory "$folder" --strip-components 1
    cd "$folder" || return
    echo "== $(basename "$source" .tar.gz) for $list"
    export TORCH_CUDA_ARCH_LIST=$list PUFFERLIB_BUILD_CUDA=1 NVCC_APPEND_FLAGS="--threads 0"
    if [[ -e build_config.py ]]; then # pufferlib-core: its own build
        show "$python" setup.py --quiet build_ext --build-lib "$folder/built"
    else # PufferLib 3.0: its kernel alone, since its games need downloads
        show "$python" -c "
from torch.utils import cpp_extension
sources = ['pufferlib/extensions/pufferlib.cpp', 'pufferlib/extensions/cuda/pufferlib.cu']
cpp_extension.load('_C', sources, build_directory='built/pufferlib', is_python_module=False)"
    fi
    touch "$folder/built/pufferlib/__init__.py"
    export PYTHONPATH=$folder/built
    show "$python" "$setup/gpus.py" "$count" pufferlib._C
    CUDA_VISIBLE_DEVICES='' show "$python" "$setup/gpus.py" 0 pufferlib._C
}

number=0
for source in "${sources[@]}"; do
    for list in "$architectures" 12.0; do
        number=$((number + 1))
        kernel "$source" "$list" "$work/$number" >"$work/kernel-$number" 2>&1 &
    done
done
wait
((number == 0)) || cat "$work"/kernel-* >"$into/kernels.txt"
echo "recorded in $into: $(ls "$into" | tr '\n' ' ')"
