/** Tests of the files that processes share. */
@NullMarked
package io.berth.base.io;

import org.jspecify.annotations.NullMarked;
