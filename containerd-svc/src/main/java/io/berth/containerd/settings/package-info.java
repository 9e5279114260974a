/** What a container was asked to be, in the words of this service. */
@NullMarked
package io.berth.containerd.settings;

import org.jspecify.annotations.NullMarked;
