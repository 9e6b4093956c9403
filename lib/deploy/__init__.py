"""Out of the lab: small models in other hands, on other machines, with bounds on what they need there.

Chapters: *Bounds for Raspberry Pi and Arduino*, *Export a pruned model and measure it on a Raspberry Pi*.
"""
