# What compiles expressions: from their text to the programs of program.h.
set(RULES_LANG_SOURCES expr_source.c expr_hint.c expr_lex.c expr_words.c expr_parse.c expr_read.c expr_check.c
    program_emit.c program_build.c conditions.c)
