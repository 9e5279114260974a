#include "container_test.h"
#include <stddef.h>
const struct test wire_tests[] = {{NULL, NULL}};
