/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Count the instructions an emulated ARM core executes, by class, between two marks.
 *
 * A plugin of QEMU's TCG (plugin API version 1). Debian ships no header for it, so what is needed of the interface is
 * declared here by hand. Use: -plugin count.so,out=FILE,isa=a64|thumb
 *
 * A mark is an instruction that does nothing on any real core of the book: `hint #112` begins and `hint #113` ends a
 * region on AArch64, `dbg #12` and `dbg #13` on Cortex-M. The marks themselves are not counted in a region. An
 * instruction inside a Thumb IT block counts whether its condition holds or not, as it takes its cycle either way.
 *
 * FILE gets one line per region, in order, and one for the whole program:
 *   region INT FP LOAD STORE BRANCH OTHER
 *   total  INT FP LOAD STORE BRANCH OTHER
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is needed of QEMU's plugin interface, version 1 ---- */
#define EXPORT __attribute__((visibility("default")))
typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { OP_ADD_U64 = 0 };
enum { FLAGS_NO_REGISTERS = 0 };
typedef void (*on_translation)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_execution)(unsigned int vcpu, void *data);
typedef void (*on_end)(plugin_id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_translation);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, on_execution, int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int op, void *counter, uint64_t add);
void qemu_plugin_register_atexit_cb(plugin_id, on_end, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
EXPORT int qemu_plugin_version = 1;

/* ---- classes ---- */
enum class { INT, FP, LOAD, STORE, BRANCH, OTHER, CLASSES, BEGIN, END };

static uint64_t counts[CLASSES];
static uint64_t at_begin[CLASSES];
static bool inside;
static bool thumb;
static FILE *out;

/* AArch64: the top-level encoding groups of the Arm Architecture Reference Manual, section C4.1. */
static enum class class_of_a64(uint32_t i)
{
    uint32_t group = (i >> 25) & 15;
    if (i == (0xd503201fu | 112u << 5)) return BEGIN;
    if (i == (0xd503201fu | 113u << 5)) return END;
    if ((group & 14) == 8 || (group & 7) == 5) return INT; /* 100x immediate, x101 register */
    if ((group & 7) == 7) return FP;                       /* x111 scalar floating point and Advanced SIMD */
    if ((group & 14) == 10) {                              /* 101x branches, exceptions, system */
        if ((i & 0x7c000000u) == 0x14000000u) return BRANCH; /* B, BL */
        if ((i & 0x7c000000u) == 0x34000000u) return BRANCH; /* CBZ, CBNZ, TBZ, TBNZ */
        if ((i & 0xfe000000u) == 0x54000000u) return BRANCH; /* B.cond */
        if ((i & 0xfe000000u) == 0xd6000000u) return BRANCH; /* BR, BLR, RET */
        return OTHER;
    }
    if ((group & 5) == 4) { /* x1x0 loads and stores */
        if ((i & 0x3b000000u) == 0x18000000u) return (i >> 30) == 3 && !(i >> 26 & 1) ? OTHER : LOAD; /* literal; PRFM */
        if ((i & 0x3b200c00u) == 0x38200000u) return LOAD;                                     /* atomic: both */
        if ((i & 0x3a000000u) == 0x38000000u) {                                                /* single register */
            uint32_t opc = (i >> 22) & 3;
            bool vector = i >> 26 & 1;
            if (vector) return opc & 1 ? LOAD : STORE;
            if ((i >> 30) == 3 && opc == 2) return OTHER; /* PRFM */
            return opc == 0 ? STORE : LOAD;
        }
        return i >> 22 & 1 ? LOAD : STORE; /* pairs, exclusive, structures */
    }
    return OTHER;
}

/* Thumb, 16 bits: Armv7-M Architecture Reference Manual, section A5.2. */
static enum class class_of_t16(uint32_t i)
{
    if (i >> 14 == 0) return INT;
    if (i >> 10 == 0x10) return INT;
    if (i >> 10 == 0x11) return (i >> 8 & 3) == 3 ? BRANCH : INT; /* BX, BLX */
    if (i >> 11 == 0x09) return LOAD;                             /* from the literal pool */
    if (i >> 12 == 0x5) return (i >> 9 & 7) < 3 ? STORE : LOAD;
    if (i >> 12 >= 0x6 && i >> 12 <= 0x9) return i >> 11 & 1 ? LOAD : STORE;
    if (i >> 12 == 0xa) return INT;
    if (i >> 12 == 0xb) {
        if ((i >> 9 & 3) == 2) return i >> 11 & 1 ? LOAD : STORE; /* PUSH, POP */
        if ((i & 0x0500) == 0x0100) return BRANCH;                /* CBZ, CBNZ */
        if ((i & 0x0e00) == 0x0e00 || (i & 0x0fe0) == 0x0660) return OTHER; /* BKPT, IT, hints, CPS */
        return INT;
    }
    if (i >> 12 == 0xc) return i >> 11 & 1 ? LOAD : STORE;
    if (i >> 12 == 0xd) return (i >> 9 & 7) == 7 ? OTHER : BRANCH; /* UDF, SVC */
    return BRANCH;                                                 /* 11100: B */
}

/* Thumb, 32 bits: section A5.3. `i` has the first halfword in its upper half. */
static enum class class_of_t32(uint32_t i)
{
    uint32_t op1 = i >> 27 & 3, op2 = i >> 20 & 0x7f;
    if (i == 0xf3af80fcu) return BEGIN;
    if (i == 0xf3af80fdu) return END;
    if (op1 != 2 && (op2 & 0x40)) { /* coprocessor space; the floating-point unit is 10 and 11 */
        if ((i >> 9 & 7) != 5) return OTHER;
        if ((i & 0xefe00000u) == 0xec400000u) return FP; /* two core registers to or from one double */
        if ((i & 0xee000000u) == 0xec000000u) return i >> 20 & 1 ? LOAD : STORE;
        return FP;
    }
    if (op1 == 1) {
        if (op2 & 0x20) return INT;
        if ((i & 0xfff000e0u) == 0xe8d00000u && (i >> 12 & 15) == 15) return BRANCH; /* TBB, TBH */
        return i >> 20 & 1 ? LOAD : STORE;
    }
    if (op1 == 2) {
        if (!(i >> 15 & 1)) return INT;
        if (i >> 12 & 5) return BRANCH;                           /* B.W, BL */
        return (i >> 23 & 7) == 7 ? OTHER : BRANCH;               /* system; B.cond.W */
    }
    if (op2 & 0x20) return INT;                                   /* registers, multiplies, divides */
    if (i >> 20 & 1) return LOAD;
    return STORE;
}

static enum class class_of(const struct qemu_plugin_insn *insn)
{
    uint16_t half[2] = {0, 0};
    size_t size = qemu_plugin_insn_size(insn);
    memcpy(half, qemu_plugin_insn_data(insn), size < 4 ? size : 4); /* both guests and the host are little-endian */
    if (!thumb) return class_of_a64(half[0] | (uint32_t)half[1] << 16);
    /* At the end of a page QEMU 7.2 hands over the next halfword too: trust the encoding, not the size. */
    return half[0] >> 11 < 0x1d ? class_of_t16(half[0]) : class_of_t32((uint32_t)half[0] << 16 | half[1]);
}

static void write_line(const char *name, const uint64_t *since)
{
    fputs(name, out);
    for (int k = 0; k < CLASSES; k++) fprintf(out, " %" PRIu64, counts[k] - (since ? since[k] : 0));
    fputc('\n', out);
    fflush(out);
}

static void begin(unsigned int vcpu, void *data)
{
    memcpy(at_begin, counts, sizeof counts);
    inside = true;
}

static void end(unsigned int vcpu, void *data)
{
    if (inside) write_line("region", at_begin);
    inside = false;
}

/* Attach the sums of a run of instructions without marks to its first one: blocks run from there to their end. */
static void attach(struct qemu_plugin_insn *first, uint64_t *sums)
{
    for (int k = 0; first && k < CLASSES; k++) {
        if (sums[k]) qemu_plugin_register_vcpu_insn_exec_inline(first, OP_ADD_U64, &counts[k], sums[k]);
        sums[k] = 0;
    }
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
    uint64_t sums[CLASSES] = {0};
    struct qemu_plugin_insn *first = NULL;
    size_t n = qemu_plugin_tb_n_insns(tb);
    for (size_t k = 0; k < n; k++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, k);
        enum class kind = class_of(insn);
        if (kind == BEGIN || kind == END) {
            attach(first, sums);
            first = NULL;
            qemu_plugin_register_vcpu_insn_exec_cb(insn, kind == BEGIN ? begin : end, FLAGS_NO_REGISTERS, NULL);
            continue;
        }
        if (!first) first = insn;
        sums[kind]++;
    }
    attach(first, sums);
}

static void finish(plugin_id id, void *data)
{
    write_line("total", NULL);
    fclose(out);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    for (int k = 0; k < argc; k++) {
        if (!strncmp(argv[k], "out=", 4)) out = fopen(argv[k] + 4, "w");
        if (!strcmp(argv[k], "isa=thumb")) thumb = true;
    }
    if (!out) {
        fputs("count: give out=FILE\n", stderr);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
