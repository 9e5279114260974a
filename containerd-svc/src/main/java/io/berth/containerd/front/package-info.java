/**
 * The one socket in front of everything: calls for image-svc are forwarded as bytes, answers that
 * do not change are remembered, and the namespace in which this process warms itself is closed to
 * clients.
 */
@NullMarked
package io.berth.containerd.front;

import org.jspecify.annotations.NullMarked;
