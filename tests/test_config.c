/* SPDX-License-Identifier: Apache-2.0 */
#include "rig/rig.h"

static Suite *
suite(void)
{
	return suite_create("config");
}

int
main(int argc, char **argv)
{
	return rig_main(argc, argv, suite);
}
