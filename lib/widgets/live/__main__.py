"""`python -m lib.widgets.live`: record the run that pages without a kernel show."""

from __future__ import annotations

import torch

from lib.widgets.live import record

if __name__ == "__main__":
    torch.set_num_threads(1)
    print(record())
