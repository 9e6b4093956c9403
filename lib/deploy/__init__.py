"""Out of the lab: small models in other hands, on other machines, with bounds on what they need there.

Chapters: *Bounds for Raspberry Pi and Arduino*, *Export a pruned model and measure it on a Raspberry Pi*.
"""

import os

# onnxruntime would keep a device number in the home and report its use; a book does neither. It looks when imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
