/** The verbs. A command is a record of what was typed; it owns nothing between two runs. */
@NullMarked
package io.berth.cli.command;

import org.jspecify.annotations.NullMarked;
