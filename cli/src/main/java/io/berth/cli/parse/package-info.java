/**
 * What people type, as values: sizes, times, ports, mounts, variables. Pure; refusals name the
 * option and the remedy.
 */
@NullMarked
package io.berth.cli.parse;

import org.jspecify.annotations.NullMarked;
