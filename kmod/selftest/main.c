// SPDX-License-Identifier: GPL-2.0-only
/* The suites of vexipc_kunit.ko run when it is loaded. */
#include <linux/module.h>

/* As MODULE_IMPORT_NS(), whose argument is a name or a string, by version. */
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
MODULE_DESCRIPTION("KUnit suites of vexipc");
MODULE_LICENSE("GPL");
