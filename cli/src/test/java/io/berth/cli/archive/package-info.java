/** Tests of the package of the same name. */
@NullMarked
package io.berth.cli.archive;

import org.jspecify.annotations.NullMarked;
