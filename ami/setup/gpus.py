# gpus.py GPUS MODULE...: verify.sh runs it in each Python environment. It checks that the modules
# load, that PyTorch sees that many GPUs, and that PyTorch and PufferLib's kernel compute correctly.
# ruff: noqa: INP001, SLF001, T201

import importlib
import sys

import torch  # pyrefly: ignore[missing-import] - the image has it

KERNEL = "pufferlib::compute_puff_advantage"


def main(gpus: str, *modules: str) -> None:
    for name in modules:
        importlib.import_module(name)
    seen = torch.cuda.device_count()
    if seen != int(gpus):
        sys.exit(f"PyTorch {torch.__version__} sees {seen} GPUs, expected {gpus}")
    left, right = torch.rand(2, 256, 256, dtype=torch.float64).unbind()
    for number in range(seen):
        product = left.to(f"cuda:{number}") @ right.to(f"cuda:{number}")
        torch.testing.assert_close(product.cpu(), left @ right)
    if "pufferlib._C" in modules:
        check_kernel(seen)
    print(f"torch {torch.__version__}, {seen} GPUs computed")


def check_kernel(gpus: int) -> None:
    """Check PufferLib's kernel: without nvcc it is built for CPUs only, with nvcc for GPUs."""
    if not torch._C._dispatch_has_kernel_for_dispatch_key(KERNEL, "CUDA"):
        sys.exit(f"pufferlib._C has no {KERNEL} for GPUs: it was built without nvcc")
    inputs = torch.rand(4, 64, 32).unbind()  # values, rewards, dones, importance
    for number in range(gpus):
        with torch.cuda.device(number):
            on_gpu = advantages(*(tensor.cuda() for tensor in inputs))
        torch.testing.assert_close(on_gpu.cpu(), advantages(*inputs))


def advantages(*inputs: torch.Tensor) -> torch.Tensor:
    result = torch.zeros_like(inputs[0])
    torch.ops.pufferlib.compute_puff_advantage(*inputs, result, 0.99, 0.95, 1.0, 1.0)
    return result


main(*sys.argv[1:])
