/* What every cmocka program includes, in the order cmocka wants it. */
#ifndef DAVY_TESTS_UNIT_CONSOLE_UNIT_H
#define DAVY_TESTS_UNIT_CONSOLE_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
