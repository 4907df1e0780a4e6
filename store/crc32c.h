/* crc32c: where the store's files look for the checksum, which stands a floor lower. */
#ifndef DAVY_STORE_CRC32C_H
#define DAVY_STORE_CRC32C_H

#include "base/crc32c.h"

#endif
