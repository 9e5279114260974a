/** Tests of a container's own files. */
package io.berth.containerd.state;
