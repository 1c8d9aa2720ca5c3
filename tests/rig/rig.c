/* SPDX-License-Identifier: Apache-2.0 */
#include "rig/rig.h"

#include <stdlib.h>

#include <rte_eal.h>

int
rig_main(int argc, char **argv, Suite *(*make_suite)(void))
{
	char *eal[] = {argv[0], "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256", "--log-level=lib.eal:4",
	               "--lcores=0", NULL};
	SRunner *sr;
	int failed;

	(void)argc;
	if (rte_eal_init(9, eal) < 0)
		return 2;
	sr = srunner_create(make_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
