/**
 * The service's one database, {@code ROOT/containerd/containerd.db}, and its tables.
 *
 * <p>Container records, namespaces and exits are rows; states are not: those belong to the tasks
 * themselves. Which writes are durable and which lazy is decided by the table's owner.
 */
@NullMarked
package io.berth.containerd.store;

import org.jspecify.annotations.NullMarked;
