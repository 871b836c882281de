#!/usr/bin/env bash
# Checks on the machine all that the image promises. Says "ok NAME VERSION" for each check, goes on
# after a failed one, and ends with 1 if there was any.
PYTHON_VERSION=${PYTHON_VERSION:-3.12}
LOGIN=${LOGIN:-ubuntu}
GPU_TEST_IMAGE=${GPU_TEST_IMAGE:-public.ecr.aws/ubuntu/ubuntu:22.04}

# shellcheck source=ami/setup/common.sh
. "${FOLDER:?}/common.sh"

HOME_OF_LOGIN=$(getent passwd "$LOGIN" | cut -d: -f6)
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

# says NAME COMMAND...: the command works; its first line is the version
says() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then ok "$name" "$(head -n 1 <<<"$output")"; else
        bad "$name" "$(tail -n 1 <<<"$output")"
    fi
}

as_login() {
    sudo -n -H -u "$LOGIN" -- "$@"
}

gpus() {
    local output driver module
    if ! output=$(nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>&1); then
        bad nvidia-smi "$(tail -n 1 <<<"$output")"
        return
    fi
    same gpus "${GPUS:?}" "$(grep -c . <<<"$output")"
    ok gpu "$(head -n 1 <<<"$output" | cut -d, -f1)"
    driver=$(head -n 1 <<<"$output" | cut -d, -f2 | tr -d ' ')
    if [[ -n ${NVIDIA_BRANCH:-} && $driver != "$NVIDIA_BRANCH".* ]]; then
        bad driver "is $driver, expected branch $NVIDIA_BRANCH"
    else
        ok driver "$driver"
    fi
    module=$(modinfo --field version nvidia 2>/dev/null || true)
    same driver-module "$driver" "$module"
}

container() {
    local output
    if output=$(docker run --rm --gpus all "$GPU_TEST_IMAGE" nvidia-smi --query-gpu=name \
        --format=csv,noheader 2>&1); then
        same gpus-in-container "${GPUS:?}" "$(grep -c . <<<"$output")"
    else
        bad gpus-in-container "$(tail -n 1 <<<"$output")"
    fi
    docker image rm --force "$GPU_TEST_IMAGE" >/dev/null 2>&1 || true
}

# at NAME FOLDER COMMIT: a clone stands at its commit, and its Python works
at() {
    local name=$1 folder=$HOME_OF_LOGIN/$2 wanted=$3
    same "$name" "$wanted" "$(as_login git -C "$folder" rev-parse HEAD 2>/dev/null || true)"
    says "$name-python" as_login "$folder/.venv/bin/python" --version
}

newest_kernel() {
    local newest
    newest=$(find /boot -maxdepth 1 -name 'vmlinuz-*' -printf '%f\n' | sort -V | tail -n 1)
    same kernel "${newest#vmlinuz-}" "$(uname -r)"
}

units() {
    local broken
    broken=$(systemctl list-units --failed --plain --no-legend | cut -d' ' -f1 | tr '\n' ' ')
    if [[ -z $broken ]]; then ok units none-failed; else bad units "failed: $broken"; fi
}

space() {
    local free
    free=$(df --output=avail --block-size=1G / | tail -n 1 | tr -d ' ')
    if ((free >= 10)); then ok free-gib "$free"; else bad free-gib "only $free GiB are free on /"; fi
}

# The commits wanted are those of setup.sh, or given from outside as they were to it.
eval "$(grep -E '^(METTA|PUFFER)_COMMIT=' "$FOLDER/setup.sh")"

echo "==> GPUs and driver"
gpus
newest_kernel
echo "==> GPUs in a container"
says docker docker --version
says container-toolkit nvidia-ctk --version
container
echo "==> Python, uv, repositories, cogames"
says python "python$PYTHON_VERSION" --version
says uv uv --version
at metta metta "${METTA_COMMIT:?}"
at puffer pufferlib "${PUFFER_COMMIT:?}"
says cogames cogames version
echo "==> the machine itself"
units
space

if ((${#failed[@]})); then
    echo "${#failed[@]} failed: $(printf '%s; ' "${failed[@]}")"
    exit 1
fi
