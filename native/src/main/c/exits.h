/* Exit records: TASK/exit/init and TASK/exit/exec.<id>, on disk before anyone is told. */
#ifndef BERTH_EXITS_H
#define BERTH_EXITS_H

#include "process.h"

/* Writes the record as well as it can: a full disk does not keep the news from those who listen. */
void exit_record_write(const struct process *process);
void exit_record_remove(const struct process *process);

#endif
