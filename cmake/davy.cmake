# davy.cmake: flags in one place, and the four kinds of target the project has.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(DAVY_WERROR "Treat warnings as errors" OFF)
option(DAVY_FUZZ "Build the libFuzzer targets (clang)" OFF)
set(DAVY_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(UV REQUIRED IMPORTED_TARGET libuv)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(MODBUS REQUIRED IMPORTED_TARGET libmodbus)
pkg_check_modules(MICROHTTPD REQUIRED IMPORTED_TARGET libmicrohttpd)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
pkg_check_modules(EXPAT REQUIRED IMPORTED_TARGET expat)
find_library(PAHO_LIBRARY paho-mqtt3as REQUIRED)
find_library(ROCKSDB_LIBRARY rocksdb REQUIRED)

add_library(davy_flags INTERFACE)
target_include_directories(davy_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(davy_flags INTERFACE _GNU_SOURCE DAVY_VERSION="${PROJECT_VERSION}")
# -ffp-contract=off: the same bytes on every machine; -fno-strict-aliasing: libuv asks for it.
target_compile_options(davy_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
    -Wundef -Wcast-qual -Wformat=2 -fno-strict-aliasing -ffp-contract=off -fno-math-errno -g)
target_link_libraries(davy_flags INTERFACE Threads::Threads m)
if(DAVY_WERROR)
    target_compile_options(davy_flags INTERFACE -Werror)
endif()
if(DAVY_SANITIZE)
    target_compile_options(davy_flags INTERFACE -fsanitize=${DAVY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(davy_flags INTERFACE -fsanitize=${DAVY_SANITIZE})
endif()

# ThreadSanitizer of gcc 12 cannot start where the kernel spreads mappings over more than 28 bits; setarch -R helps,
# where it is allowed (some containers forbid it, and may not need it).
set(DAVY_LAUNCHER "")
if(DAVY_SANITIZE MATCHES thread)
    execute_process(COMMAND setarch -R true RESULT_VARIABLE refused ERROR_QUIET)
    if(refused EQUAL 0)
        set(DAVY_LAUNCHER setarch -R)
    endif()
endif()

# Tests of the tsan build hear nothing of libraries that are not instrumented; the file gives a reason for each line.
set(DAVY_ENVIRONMENT "")
if(DAVY_SANITIZE MATCHES thread)
    set(DAVY_ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endif()

# davy_library(base SOURCES … LIBRARIES …): the static library davy_<folder> of one folder.
function(davy_library folder)
    cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
    add_library(davy_${folder} STATIC ${ARG_SOURCES})
    target_link_libraries(davy_${folder} PUBLIC davy_flags ${ARG_LIBRARIES})
endfunction()

# davy_test(unit.rules.threshold SOURCES … LIBRARIES … [DEADLINE seconds] [ARGS …]): a cmocka program that is one ctest.
function(davy_test name)
    cmake_parse_arguments(ARG "" "DEADLINE" "SOURCES;LIBRARIES;ARGS" ${ARGN})
    if(NOT ARG_DEADLINE)
        set(ARG_DEADLINE 60)
    endif()
    add_executable(${name} ${ARG_SOURCES})
    target_link_libraries(${name} PRIVATE davy_flags ${ARG_LIBRARIES} PkgConfig::CMOCKA)
    add_test(NAME ${name} COMMAND ${DAVY_LAUNCHER} $<TARGET_FILE:${name}> ${ARG_ARGS})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_DEADLINE} SKIP_RETURN_CODE 77
        ENVIRONMENT "${DAVY_ENVIRONMENT}")
endfunction()

# davy_flow(flow.mbus.reconnect COMMAND python3 script … [DEADLINE seconds]): a whole-program test.  The environment
# gives DAVY_BIN (folder of the binaries), DAVY_SOURCE (the tree) and DAVY_LAUNCHER (what to start binaries with).
function(davy_flow name)
    cmake_parse_arguments(ARG "" "DEADLINE" "COMMAND" ${ARGN})
    if(NOT ARG_DEADLINE)
        set(ARG_DEADLINE 120)
    endif()
    string(REPLACE ";" " " launcher "${DAVY_LAUNCHER}") # a ; would end the variable
    add_test(NAME ${name} COMMAND ${ARG_COMMAND})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_DEADLINE} SKIP_RETURN_CODE 77
        ENVIRONMENT "DAVY_BIN=${CMAKE_RUNTIME_OUTPUT_DIRECTORY};DAVY_SOURCE=${CMAKE_SOURCE_DIR};DAVY_LAUNCHER=${launcher};DAVY_SANITIZE=${DAVY_SANITIZE};${DAVY_ENVIRONMENT}")
endfunction()

# davy_fuzz(fuzz.trace SOURCES … LIBRARIES … CORPUS dir): a libFuzzer target (preset fuzz); otherwise a program that
# replays the corpus as a plain test.  SOURCES define LLVMFuzzerTestOneInput.
function(davy_fuzz name)
    cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;LIBRARIES" ${ARGN})
    if(DAVY_FUZZ)
        add_executable(${name} ${ARG_SOURCES})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    else()
        add_executable(${name} ${ARG_SOURCES} ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_corpus.c)
        add_test(NAME ${name}.corpus COMMAND ${DAVY_LAUNCHER} $<TARGET_FILE:${name}> ${ARG_CORPUS})
        set_tests_properties(${name}.corpus PROPERTIES TIMEOUT 60)
    endif()
    target_link_libraries(${name} PRIVATE davy_flags ${ARG_LIBRARIES})
endfunction()
