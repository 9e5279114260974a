#include "container_test.h"
#include <stddef.h>
const struct test stdio_tests[] = {{NULL, NULL}};
