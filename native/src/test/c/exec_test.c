#include "container_test.h"
#include <stddef.h>
const struct test exec_tests[] = {{NULL, NULL}};
