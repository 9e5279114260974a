#include "container_test.h"
#include <stddef.h>
const struct test keeper_tests[] = {{NULL, NULL}};
