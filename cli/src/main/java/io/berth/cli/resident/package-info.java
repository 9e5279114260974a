/**
 * The command line as a process that stays: it carries out the lines of its own user, several at
 * once, each on a thread with the folder, mask, streams, variables and signals of whoever typed it.
 * The thin client ({@code native/src/main/client}) brings them.
 *
 * <p>{@code Resident} takes connections and says who may come in; {@code LineConnection} is one
 * client; {@code SharedConnections} are those to the services, which outlive a line.
 */
@NullMarked
package io.berth.cli.resident;

import org.jspecify.annotations.NullMarked;
