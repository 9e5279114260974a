/**
 * What people type, read as values: sizes, times, ports, mounts, variables. Nothing here has side
 * effects beyond reading files that were named, and a refusal names the option and the remedy.
 */
@NullMarked
package io.berth.cli.parse;

import org.jspecify.annotations.NullMarked;
