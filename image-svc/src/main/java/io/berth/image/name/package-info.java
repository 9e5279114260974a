/** Image names: what a name points at. Nothing here looks into the content. */
@NullMarked
package io.berth.image.name;

import org.jspecify.annotations.NullMarked;
