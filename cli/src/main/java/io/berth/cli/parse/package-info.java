/**
 * What people type and only the command line reads. Words that services read as well, such as
 * moments, sizes and ports, are in {@link io.berth.base.text}.
 */
@NullMarked
package io.berth.cli.parse;

import org.jspecify.annotations.NullMarked;
