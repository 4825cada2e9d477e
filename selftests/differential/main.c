// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_differential FILE: runs the table and writes its lines to FILE.
 * selftests/differential/compare puts those of two modules side by side.
 */
#include <stdio.h>
#include <unistd.h>

#include "differential/report.h"
#include "lib/emulated.h"

static void typed_sections(struct env *env)
{
	static const struct {
		int type;
		const char *name;
	} types[] = {{VFIO_TYPE1_IOMMU, "type1"},
		     {VFIO_TYPE1v2_IOMMU, "type1v2"}};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		env->section = types[i].name;
		env->type = types[i].type;
		vfio_space_open(&env->space, EDU_BDF, env->type);
		map_cases(env);
		unmap_cases(env);
		info_cases(env);
		dirty_cases(env);
		vfio_space_open_device(&env->space);
		device_cases(env);
		vfio_space_close(&env->space);
		emulated_cases(env);
	}
}

int main(int argc, char **argv)
{
	struct env env = {.space = {.container = -1, .group = -1}};

	if (argc != 2) {
		fprintf(stderr, "usage: vfio_differential FILE\n");
		return 2;
	}
	env.mem = vfio_memory(PAGES(MEM_PAGES), 0);
	env.testdev = __testdev_open();
	report_open(argv[1]);
	container_cases(&env);
	group_cases(&env);
	typed_sections(&env);
	return report_close();
}
