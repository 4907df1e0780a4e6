/*
 * cmocka_all: cmocka with the headers it wants before it.
 */
#ifndef DAVY_TESTS_UNIT_STORE_CMOCKA_ALL_H
#define DAVY_TESTS_UNIT_STORE_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
