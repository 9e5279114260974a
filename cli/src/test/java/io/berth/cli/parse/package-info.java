/** Tests of the parse. */
@NullMarked
package io.berth.cli.parse;

import org.jspecify.annotations.NullMarked;
