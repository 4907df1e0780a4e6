/*
 * fuzz_expr: any text as the expressions of a rule, compiled against a small
 * fixed site.  Lines are `when`, `clear` and `unless`.
 *
 * Whatever the text, compiling ends, leaks nothing, and gives either mistakes
 * or programs that keep their bounds.
 */
#include "rules/program.h"
#include "tests/unit/rules_lang/lang_site.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fine)
{
    if (!fine) {
        abort(); /* also where assert is off */
    }
}

static unsigned pops_of(unsigned op)
{
    const bool one = op == OP_ETA_UP || op == OP_ETA_DOWN || op == OP_NEGATE || op == OP_NOT;
    return one ? 1 : op >= OP_ADD ? 2 : 0;
}

/* Whether running the code keeps to its own stack and slots. */
static void check_program(const struct program *program, const struct rule_reads *reads)
{
    unsigned stack = 0;
    must(program->length <= PROGRAM_CODE_MAX && program->stack <= PROGRAM_STACK_MAX);
    for (size_t i = 0; i < program->length; i++) {
        const struct instruction *const one = &program->code[i];
        const bool window = one->op >= OP_MEAN && one->op <= OP_ETA_DOWN;
        const bool point = one->op == OP_POINT || one->op == OP_STATUS;
        must(!window || one->slot < reads->window_count);
        must(!point || one->slot == SLOT_OWN || one->slot < reads->point_count);
        const unsigned pops = pops_of(one->op);
        must(stack >= pops);
        stack += 1 - pops;
        must(stack <= program->stack);
    }
    must(program->length == 0 || stack == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *const text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    const char *const when = strsep(&rest, "\n");
    const char *const clear = strsep(&rest, "\n");
    const char *const unless = strsep(&rest, "\n");
    struct lang lang;
    lang_init(&lang);
    const bool fine = lang_compile(&lang, when, clear, unless);
    must(fine == (lang.mistakes.total == 0));
    if (fine) {
        must(lang.code.reads.point_count + lang.code.reads.window_count <= RULE_SLOTS_MAX);
        check_program(&lang.code.when[0], &lang.code.reads);
        check_program(&lang.code.clear[0], &lang.code.reads);
        check_program(&lang.code.unless, &lang.code.reads);
    }
    lang_done(&lang);
    free(text);
    return 0;
}
