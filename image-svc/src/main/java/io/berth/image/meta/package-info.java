/**
 * The service's records: one SQLite database, changed in transactions that carry their events with
 * them.
 *
 * <p>A record is durable (column {@code boot} null) or lazy (the id of the boot it was made in). A
 * lazy one is as good as any other until the machine is booted again: then its files may not have
 * reached the disk, so the next start forgets it.
 */
@NullMarked
package io.berth.image.meta;

import org.jspecify.annotations.NullMarked;
