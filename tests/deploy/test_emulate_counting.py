"""The counter, against loops and lists of instructions counted by hand."""

import os
from pathlib import Path

import pytest

from lib.deploy.emulate import counting, tools
from lib.deploy.emulate.counting import CORTEX_A, CORTEX_M, Counts, count_instructions
from lib.deploy.emulate.tools import EmulationError

# CI sets TIMBRE_EMULATE: there a missing tool is a failure.
pytestmark = pytest.mark.skipif(
    tools.missing() is not None and not os.environ.get("TIMBRE_EMULATE"), reason=str(tools.missing())
)

BEGIN, END = {"a": "hint #112", "m": "dbg #12"}, {"a": "hint #113", "m": "dbg #13"}
EXIT = {
    "a": "mov x0, #0\n mov x8, #93\n svc #0",  # exit(0)
    "m": "movs r0, #0x18\n ldr r1, =0x20026\n bkpt 0xab",  # semihosting: stopped, all well
}


def assemble(folder: Path, processor: str, body: str) -> Path:
    """Put `body` between start and exit."""
    source, program = folder / "program.s", folder / "program"
    if processor in CORTEX_A:
        source.write_text(f".data\n.balign 16\nplace: .zero 64\n.text\n.global _start\n_start:\n{body}\n{EXIT['a']}\n")
        tools.run(["aarch64-linux-gnu-gcc", "-nostdlib", "-static", "-o", program, source])
    else:
        vectors = '.section .vectors,"a"\n.word 0x20001000\n.word _start\n'
        fpu = "" if processor == "cortex-m3" else "ldr r2, =0xe000ed88\n ldr r3, =0xf00000\n str r3, [r2]\n isb\n"
        start = f".syntax unified\n.thumb\n{vectors}.text\n.global _start\n.thumb_func\n_start:\n{fpu}"
        source.write_text(f"{start}{body}\n{EXIT['m']}\n.ltorg\n")
        float_abi = ["-mfloat-abi=soft"] if processor == "cortex-m3" else ["-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]
        places = ["-Wl,--section-start=.vectors=0", "-Wl,-Ttext=0x40"]
        command = ["arm-none-eabi-gcc", f"-mcpu={processor}", "-mthumb", *float_abi, "-nostdlib", *places]
        tools.run([*command, "-o", program, source])
    return program


@pytest.mark.parametrize("processor", [*CORTEX_A, *CORTEX_M])
@pytest.mark.parametrize("n", [1, 37, 50_000])
def test_a_loop_of_n_rounds_is_n_subtractions_and_n_branches(tmp_path, processor, n):
    if processor in CORTEX_A:
        body = f"ldr x1, ={n}\n hint #112\n1: subs x1, x1, #1\n b.ne 1b\n hint #113"
    else:
        body = f"ldr r1, ={n}\n dbg #12\n1: subs r1, r1, #1\n bne 1b\n dbg #13"
    found = count_instructions(assemble(tmp_path, processor, body), processor)
    assert found.regions == (Counts(int=n, fp=0, load=0, store=0, branch=n, other=0),)
    assert found.evidence == "emulated"


A64 = {
    "int": ["add x1, x2, #1", "mov x3, #5", "mul x1, x2, x3", "cmp x1, x2", "csel x1, x2, x3, eq", "adr x9, place2",
            "madd x1, x2, x3, x4", "lsl w1, w2, #3", "clz x1, x2", "sxtw x1, w2"],
    "fp": ["fadd s0, s1, s2", "fmadd d0, d1, d2, d3", "fmla v0.4s, v1.4s, v2.4s", "fcvtzs w1, s0", "fmov w1, s2",
           "smull v0.8h, v1.8b, v2.8b", "movi v0.4s, #0", "fcmp s0, s1", "scvtf s0, w1",
           "ext v0.16b, v1.16b, v2.16b, #4"],
    "load": ["ldr x1, [x0]", "ldp x1, x2, [x0]", "ldr q0, [x0]", "ldrsb w1, [x0]", "ldp q0, q1, [x0]",
             "ldrb w1, [x0, #3]",
             "ld1 {v0.4s}, [x0]", "ldr s0, [x0, x5]", "ldur x1, [x0, #1]", "ldr x1, =0x123456789", "ldaxr x1, [x0]",
             "ld1r {v0.4s}, [x0]", "ldr d3, [x0], #0", "ldrsw x1, [x0]"],
    "store": ["str x1, [x0]", "stp x1, x2, [x0]", "str q0, [x0]", "strh w1, [x0]", "st1 {v0.4s}, [x0]",
              "stp d0, d1, [x0]", "stur w1, [x0, #1]", "str s0, [x0, x5]", "stlr x1, [x0]", "str q1, [x0, x5]"],
    "branch": ["b 9f\n9:", "cbz x5, 9f\n9:", "tbz x5, #0, 9f\n9:", "b.al 9f\n9:", "bl 9f\n9:"],
    "other": ["nop", "dmb ish", "prfm pldl1keep, [x0]", "mrs x1, fpcr"],
}  # fmt: skip

THUMB = {
    "int": ["adds r1, r2, #1", "mov r8, r1", "mul r1, r2, r3", "cmp r1, r2", "smlad r1, r2, r3, r4", "adr r1, 8f",
            "lsl.w r1, r2, #3", "movw r1, #4660", "movt r1, #4660", "smull r1, r2, r3, r4", "udiv r1, r2, r3",
            "ubfx r1, r2, #3, #4", "uxtb r1, r2", "add sp, #0", "clz r1, r2",
            "add.w r1, r2, r3, lsl #2", "rsb r1, r2, #0",
            "sub sp, sp, #0", "rev r1, r2", "orr.w r1, r2, #1", "ssat r1, #8, r2", "sxtb16 r1, r2"],
    "fp": ["vadd.f32 s0, s1, s2", "vfma.f32 s0, s1, s2", "vmov s0, r1", "vcmp.f32 s0, s1", "vmrs APSR_nzcv, fpscr",
           "vcvt.s32.f32 s0, s0", "vmov r1, r2, s4, s5", "vmov.f32 s3, #1.0", "vsqrt.f32 s0, s1"],
    "load": ["ldr r1, [r0]", "ldr.w r1, [r0, #8]", "ldrb r1, [r0, #1]", "ldrh r1, [r0]", "ldrsb r1, [r0, r5]",
             "ldmia r0, {r1, r2}", "pop {r1}", "ldrd r1, r2, [r0]", "vldr s0, [r0]", "vldmia r0, {s0-s3}",
             "ldr r1, [sp]", "ldr r1, =0x12345678", "ldrsh.w r1, [r0, #2]", "ldrex r1, [r0]",
             "vpop {s0}", "ldr r1, [r0, r5]"],
    "store": ["str r1, [r0]", "str.w r1, [r0, #8]", "strb r1, [r0, #1]", "strh r1, [r0]", "stmia r0!, {r1, r2}",
              "push {r1}", "strd r1, r2, [r0]", "vstr s0, [r0]", "vpush {s0}", "str r1, [sp]", "str r1, [r0, r5]"],
    "branch": ["b 9f\n9:", "b.w 9f\n9:", "beq 9f\n9:", "bne.w 9f\n9:", "bl 9f\n9:", "cbz r5, 9f\nnop\n9:"],
    "other": ["nop", "nop.w", "dmb", "mrs r1, primask"],  # IT has a test of its own
}  # fmt: skip


@pytest.mark.parametrize("kind", list(A64))
def test_every_class_of_aarch64_is_told_apart(tmp_path, kind):
    setup = "adr x9, place2\nldr x0, =place\nmov x5, #0\nplace2:\n"
    body = f"{setup}{BEGIN['a']}\n" + "\n".join(A64[kind]) + f"\n{END['a']}"
    (counts,) = count_instructions(assemble(tmp_path, "cortex-a76", body), "cortex-a76").regions
    assert counts.as_dict() == {**dict.fromkeys(A64, 0), kind: len(A64[kind]), "total": len(A64[kind])}


@pytest.mark.parametrize("processor", ["cortex-m4", "cortex-m7"])
@pytest.mark.parametrize("kind", list(THUMB))
def test_every_class_of_cortex_m_is_told_apart(tmp_path, processor, kind):
    setup = "ldr r0, =0x20002000\nmovs r5, #0\n sub sp, #64\n"
    body = f"{setup}{BEGIN['m']}\n" + "\n".join(THUMB[kind]) + f"\n{END['m']}\n b 7f\n.balign 4\n8: .word 0\n7:"
    (counts,) = count_instructions(assemble(tmp_path, processor, body), processor).regions
    assert counts.as_dict() == {**dict.fromkeys(THUMB, 0), kind: len(THUMB[kind]), "total": len(THUMB[kind])}


def test_a_skipped_instruction_of_an_it_block_takes_its_cycle(tmp_path):
    body = f"cmp r5, r5\n{BEGIN['m']}\n ite ne\n addne r1, #1\n addeq r1, #2\n{END['m']}"
    (counts,) = count_instructions(assemble(tmp_path, "cortex-m4", body), "cortex-m4").regions
    assert (counts.int, counts.other, counts.total) == (2, 1, 3)


@pytest.mark.parametrize("processor", ["cortex-m3", "cortex-a53"])
def test_code_longer_than_a_page_counts_exactly(tmp_path, processor):
    # QEMU cuts blocks at pages, and tells Thumb instructions at their end in another length.
    side, line = ("m", "adds r1, #1") if processor in CORTEX_M else ("a", "add x1, x1, #1")
    body = f"{BEGIN[side]}\n .rept 5001\n {line}\n .endr\n{END[side]}"
    (counts,) = count_instructions(assemble(tmp_path, processor, body), processor).regions
    assert counts == Counts(5001, 0, 0, 0, 0, 0)


def test_regions_come_in_order_and_again_the_same(tmp_path):
    body = "\n".join(f"{BEGIN['a']}\n .rept {n}\n add x1, x1, #1\n .endr\n{END['a']}" for n in (3, 0, 7))
    program = assemble(tmp_path, "cortex-a53", body)
    first, second = (count_instructions(program, "cortex-a53") for _ in range(2))
    assert [region.total for region in first.regions] == [3, 0, 7]
    assert first == second
    assert first.whole.total == 3 + 7 + 3  # and the three of the exit


def test_counts_add_up():
    both = Counts(1, 2, 3, 4, 5, 6) + Counts(1, 0, 0, 0, 0, 1)
    assert both == Counts(2, 2, 3, 4, 5, 7)
    assert both.total == both.as_dict()["total"] == 23


def test_what_cannot_be_run_is_refused_with_a_reason(tmp_path):
    loop = assemble(tmp_path, "cortex-a53", "1: b 1b")
    with pytest.raises(EmulationError, match=r"did not end within 0\.5 s"):
        count_instructions(loop, "cortex-a53", timeout_s=0.5)
    with pytest.raises(EmulationError, match="cortex-a53, cortex-a72"):
        count_instructions(loop, "max")  # its int8 is silently wrong
    with pytest.raises(EmulationError, match="takes no arguments"):
        count_instructions(loop, "cortex-m4", ["x"])
    with pytest.raises(EmulationError, match="failed with status"):
        count_instructions(assemble(tmp_path, "cortex-a53", ".word 0"), "cortex-a53")  # no instruction
    with pytest.raises(EmulationError, match="cut short"):
        counting.read_counts("region 1 2 3 4 5 6\n")
