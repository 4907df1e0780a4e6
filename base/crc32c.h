/*
 * crc32c: the checksum of all that is kept on the disk (Castagnoli polynomial,
 * as in RFC 3720, appendix B.4).
 *
 * Uses the processor's instruction where there is one.  Pure; any thread.
 */
#ifndef DAVY_BASE_CRC32C_H
#define DAVY_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from crc (0 to begin) over len bytes. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
