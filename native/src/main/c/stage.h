/* `berth-supervisor supervise`: stage 0 clones the supervisor into its cgroup leaf and goes. */
#ifndef BERTH_STAGE_H
#define BERTH_STAGE_H

int stage_main(int argc, char **argv);

#endif
