/**
 * The commands behind the verbs. A command is made for one line, holds what was typed, and owns
 * nothing once it has run.
 */
@NullMarked
package io.berth.cli.command;

import org.jspecify.annotations.NullMarked;
