/** The tree that stacked layers show together, read without mounting anything. */
@NullMarked
package io.berth.image.tree;

import org.jspecify.annotations.NullMarked;
