/** Tests of the render. */
@NullMarked
package io.berth.cli.render;

import org.jspecify.annotations.NullMarked;
