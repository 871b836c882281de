# gpus.py GPUS MODULE...: verify.sh runs it in each Python environment. The modules load, PyTorch
# sees that many GPUs, and each one computes.
# pyright: basic, reportMissingImports=false
# ruff: noqa: INP001, SLF001, T201

import importlib
import sys

import torch


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
    kernel = "pufferlib::compute_puff_advantage"
    if "pufferlib._C" in modules and not torch._C._dispatch_has_kernel_for_dispatch_key(
        kernel, "CUDA"
    ):
        sys.exit(f"pufferlib._C has no {kernel} for GPUs: it was built without nvcc")
    print(f"torch {torch.__version__}, {seen} GPUs computed")


main(*sys.argv[1:])
