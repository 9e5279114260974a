/**
 * What containers and namespaces are, whether something runs or not: their records in the service's
 * database, the rules for changing them, and the events that tell of each change.
 *
 * <p>{@link io.berth.containerd.metadata.Store} is the database of the whole service; whoever keeps
 * more in it (exits of tasks, containers as people mean them) has tables of its own there. {@link
 * io.berth.containerd.metadata.RecordCodec} and {@link io.berth.containerd.metadata.Emptiness} are
 * filled at the edge, so that nothing here knows a message of the wire.
 */
@NullMarked
package io.berth.containerd.metadata;

import org.jspecify.annotations.NullMarked;
