/** Tests of what people type, read as values. */
@NullMarked
package io.berth.cli.parse;

import org.jspecify.annotations.NullMarked;
