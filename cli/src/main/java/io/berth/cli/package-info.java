/**
 * The command line: {@link io.berth.cli.Cli} parses a line, a command of {@code
 * io.berth.cli.command} carries it out over the services' sockets, {@code io.berth.cli.render}
 * shows the answer.
 *
 * <p>No statics, no exits: streams, environment and configuration are passed in, so that one
 * process can serve many lines.
 */
@NullMarked
package io.berth.cli;

import org.jspecify.annotations.NullMarked;
