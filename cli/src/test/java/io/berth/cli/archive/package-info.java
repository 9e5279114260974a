/** Tests of tars: a tree that comes back as it was, and archives that mean harm. */
@NullMarked
package io.berth.cli.archive;

import org.jspecify.annotations.NullMarked;
